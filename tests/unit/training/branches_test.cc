// Training through several branches of batch norm.
#include <gtest/gtest.h>

#include "base/bad_input.h"
#include "training_fixture.h"

namespace gauntlet {
namespace {
using namespace training_tests;

training::Recipe with_branches(int64_t branches) {
  training::Recipe recipe = small_recipe();
  recipe.epochs = 2;
  if (branches > 1) recipe.network.options["batchnorm_branches"] = branches;
  return recipe;
}

struct Branching final : Defense, Trains {
  std::function<Tensor(Training&, const Batch&)> of_batch;
  Tensor loss(Training& training, const Batch& batch) override { return of_batch(training, batch); }
};
std::shared_ptr<Branching> branching(std::function<Tensor(Training&, const Batch&)> of_batch) {
  auto method = std::make_shared<Branching>();
  method->of_batch = std::move(of_batch);
  return method;
}
Tensor cross_entropy_through(Training& training, const Tensor& x, const Tensor& y, int64_t branch) {
  return torch::cross_entropy_loss(training.forward(x, {.branch = branch}).logits, y);
}

bool beside(const std::string& name) { return name.find(".branch1.") != std::string::npos; }

TEST(TrainingBranches, ThatNobodyAsksForChangeNoBit) {
  const data::Dataset data = quarters(72);
  const auto plain = [](Training& training, const Batch& batch) {
    return torch::cross_entropy_loss(training.forward(batch.x).logits, batch.y);
  };
  const training::NamedTensors one = trained(with_branches(1), data, branching(plain));
  training::NamedTensors two = trained(with_branches(2), data, branching(plain));
  int64_t untouched = 0;
  for (auto it = two.begin(); it != two.end();) {
    if (!beside(it->first)) {
      ++it;
      continue;
    }
    const bool begins_with_ones =
        it->first.ends_with(".weight") || it->first.ends_with(".running_var");
    EXPECT_TRUE(it->second.eq(begins_with_ones ? 1 : 0).all().item<bool>()) << it->first;
    ++untouched;
    it = two.erase(it);
  }
  EXPECT_EQ(untouched, 4);
  EXPECT_TRUE(same_bits(one, two));
}

TEST(TrainingBranches, AreTrainedEachOnItsOwnInputs) {
  training::Recipe recipe = with_branches(2);
  const auto method = branching([](Training& training, const Batch& batch) {
    EXPECT_EQ(training.batch_norm_branches(), 2);
    const Tensor x = training.attack(kPgd, batch, {.pass = {.branch = 1}});
    return cross_entropy_through(training, batch.x, batch.y, 0) +
           cross_entropy_through(training, 1 - x, batch.y,
                                 1);  // inputs that are far from the clean
  });
  const training::TrainingParts parts = parts_of(recipe, method);
  run_training(recipe, quarters(72), parts, {}, false, {});
  const training::NamedTensors after = weights(*parts.network);
  for (const char* key : {"weight", "bias", "running_mean", "running_var"})
    EXPECT_FALSE(after.at(std::string("1.") + key)
                     .allclose(after.at(std::string("1.branch1.") + key), 1e-4, 1e-5))
        << key;
  // Answers are those of a network that has the first branch alone.
  const auto alone = build_network(with_branches(1).network, 1);
  training::NamedTensors main = after;
  std::erase_if(main, [](const auto& named) { return beside(named.first); });
  load_state(*alone, main, "the main branch");
  const Tensor x = quarters(8, 5).x(torch::arange(8));
  const Noise none = training_noise(0, training::TrainingNoise::kLayers, torch::arange(8));
  const auto evaluated = [&](models::Network& network) {
    const at::NoGradGuard no_graph;
    return network.forward(x, none, {}, models::Mode::kEvaluate).logits;
  };
  EXPECT_TRUE(evaluated(*parts.network).equal(evaluated(*alone)));
}

TEST(TrainingBranches, AreWhatTheInnerAttackRunsThrough) {
  training::Recipe recipe = with_branches(2);
  int64_t steps = 0;
  const auto method = branching([&](Training& training, const Batch& batch) {
    const auto predicted = [&](int64_t branch) {
      return training.predict(batch.x, {.branch = branch}).logits;
    };
    for (const int64_t branch : {0, 1}) {
      Tensor seen;
      Inner inner;
      inner.pass.branch = branch;
      inner.loss = Loss([&](const Outputs& out, const Rows& rows) {
        seen = out.logits.detach().clone();
        return out.logits.gather(1, rows.y.unsqueeze(1)).squeeze(1);
      });
      training.attack({"pgd", {{"steps", 1}, {"start", "input"}}}, batch, inner);
      // Batch norm is folded in the attack.
      EXPECT_TRUE(seen.allclose(predicted(branch), 1e-3, 1e-4)) << branch;
      if (steps > 0) {
        EXPECT_FALSE(seen.allclose(predicted(1 - branch), 1e-3, 1e-4)) << branch;
      }
    }
    EXPECT_TRUE(training.predict(batch.x).logits.equal(predicted(0)));
    ++steps;
    return cross_entropy_through(training, batch.x, batch.y, 0) +
           cross_entropy_through(training, 1 - batch.x, batch.y, 1);
  });
  trained(recipe, quarters(72), method);
  EXPECT_GT(steps, 1);
}

TEST(TrainingBranches, OfAnAttackAreNotLostToPassesInItsLoss) {
  training::Recipe recipe = with_branches(2);
  int64_t compared = 0;
  const auto method = branching([&](Training& training, const Batch& batch) {
    std::vector<Tensor> found;
    for (const bool asks : {false, true}) {
      Inner inner;
      inner.pass.branch = 1;
      inner.loss = Loss([&training, &batch, asks](const Outputs& out, const Rows& rows) {
        if (asks) training.predict(batch.x);
        return -out.logits.gather(1, rows.y.unsqueeze(1)).squeeze(1);
      });
      found.push_back(training.attack({"pgd", {{"steps", 3}, {"start", "input"}}}, batch, inner));
    }
    EXPECT_TRUE(found[0].equal(found[1]));
    ++compared;
    return cross_entropy_through(training, batch.x, batch.y, 0) +
           cross_entropy_through(training, 1 - batch.x, batch.y, 1);
  });
  trained(recipe, quarters(72), method);
  EXPECT_GT(compared, 1);
}

TEST(TrainingBranches, ThatTheNetworkHasNotAreNamed) {
  const auto method = branching([](Training& training, const Batch& batch) {
    return cross_entropy_through(training, batch.x, batch.y, 1);
  });
  try {
    trained(with_branches(1), quarters(72), method);
    ADD_FAILURE() << "nothing was thrown";
  } catch (const BadInput& error) {
    EXPECT_NE(std::string(error.what()).find("give the network batchnorm_branches = 2"),
              std::string::npos)
        << error.what();
  }
}

TEST(TrainingBranches, ResumeBitForBit) {
  const data::Dataset data = quarters(72);
  const training::Recipe recipe = with_branches(2);
  const auto method = [] {
    return branching([](Training& training, const Batch& batch) {
      return cross_entropy_through(training, batch.x, batch.y, 0) +
             cross_entropy_through(training, 1 - batch.x, batch.y, 1);
    });
  };
  const training::NamedTensors whole = trained(recipe, data, method());
  const Folder folder;
  training::TrainCallbacks callbacks;
  int64_t batches = 0;
  callbacks.stop = [&] { return ++batches > 5; };
  const training::TrainingParts first = parts_of(recipe, method());
  EXPECT_FALSE(run_training(recipe, data, first, folder.path / "c", false, callbacks).finished);
  const training::TrainingParts second = parts_of(recipe, method());
  EXPECT_TRUE(run_training(recipe, data, second, folder.path / "c", true, {}).finished);
  EXPECT_TRUE(same_bits(whole, weights(*second.network)));
}

}  // namespace
}  // namespace gauntlet
