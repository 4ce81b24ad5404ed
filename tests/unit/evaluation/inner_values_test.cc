// Values inside of the network, as losses and defenses see them.
#include <gtest/gtest.h>

#include "base/bad_input.h"
#include "base/invalid_result.h"
#include "evaluation/craft.h"
#include "evaluation/loss_view.h"
#include "models/architectures/build_network.h"
#include "toys.h"

namespace gauntlet {
namespace {
using namespace toys;

std::shared_ptr<models::Network> with_inner_values() {
  const auto layer = [](ParamMap options) { return ParamValue(std::move(options)); };
  models::NetworkSpec spec;
  spec.architecture = "sequential", spec.input = {1, 4, 4}, spec.classes = 3;
  spec.options["layers"] = ParamList{
      layer({{"type", "flatten"}}), layer({{"type", "linear"}, {"out", 8}, {"feature", "hidden"}}),
      layer({{"type", "relu"}}), layer({{"type", "linear"}, {"out", 3}})};
  return build_network(spec, 3);
}

double of_first(const Tensor& t) { return t.select(0, 0).sum().item<double>(); }

// Runs a script as an attack on six images.
template <class F>
evaluation::Crafted attacked(evaluation::DefendedModel& model, F&& script,
                             const evaluation::CraftRules& rules = {}) {
  const evaluation::CraftBatch batch = images(model, 6);
  Scripted attack;
  attack.script = [&](Target& target, const Task& task) {
    script(target, task);
    return task.x;
  };
  NoEnvironment nowhere;
  return craft(attack, model, batch, ball(Norm::kLinf, 0.1), rules, nowhere);
}

const Loss kHidden = [](const Outputs& out, const Rows&) { return out.heads.at("hidden").sum(1); };

TEST(InnerValues, AreSeenByLossesThatAskForThem) {
  const auto network = with_inner_values();
  evaluation::DefendedModel model = defended(network);
  const Tensor weight = network->tensors()[0].tensor.sum(0).view({1, 4, 4});
  int64_t asked = 0;
  attacked(model, [&](Target& target, const Task& task) {
    ++asked;
    const std::vector<std::string> names = target.facts().features;
    EXPECT_EQ(names, (std::vector<std::string>{"hidden", "penultimate"}));
    Query query;
    query.features = {"hidden"};
    const Gradient gradient = target.gradient(task.x, kHidden, query);
    EXPECT_TRUE(gradient.x.allclose(weight.expand_as(gradient.x), 1e-4, 1e-5));
    EXPECT_TRUE(gradient.outputs.heads.empty());
    EXPECT_TRUE(target.losses(task.x, kHidden, query).allclose(gradient.loss));
    // Nobody asked: there are none.
    target.losses(task.x, [](const Outputs& out, const Rows&) {
      EXPECT_TRUE(out.heads.empty());
      return out.logits.sum(1);
    });
  });
  EXPECT_EQ(asked, 1);
}

TEST(InnerValues, AreThoseOfTheRowsThatAreComputed) {
  evaluation::DefendedModel model = defended(with_inner_values());
  evaluation::CraftRules rules;
  rules.memory_rows = 2;  // chunks
  attacked(
      model,
      [&](Target& target, const Task& task) {
        Query query;
        query.features = {"hidden"}, query.rows = torch::tensor({5, 1, 1});
        const Tensor rows = task.rows(query.rows).of(task.x);
        const Tensor some = target.losses(rows, kHidden, query);
        query.rows = Tensor();
        EXPECT_TRUE(some.allclose(
            target.losses(task.x, kHidden, query).index_select(0, torch::tensor({5, 1, 1}))));
      },
      rules);
}

TEST(InnerValues, AreOfSingleDraws) {
  auto voter = std::make_shared<Voter>();
  evaluation::DefendedModel model = defended(with_inner_values(), {voter});
  int64_t seen = 0, refused = 0;
  attacked(model, [&](Target& target, const Task& task) {
    Query query;
    query.draws = 4, query.features = {"hidden"}, query.average = Average::kLoss;
    const Gradient mean = target.gradient(task.x, kHidden, query);
    seen += mean.loss.size(0);
    const auto refuses = [&](auto&& ask) {
      try {
        ask();
        ADD_FAILURE() << "nothing was thrown";
      } catch (const std::invalid_argument& error) {
        ++refused;
        EXPECT_NE(std::string(error.what()).find("'hidden'"), std::string::npos);
      }
    };
    refuses([&] { target.scores(task.x, query); });
    refuses([&] { target.decisions(task.x, query); });
    query.average = Average::kProbability;
    refuses([&] { target.gradient(task.x, kHidden, query); });
    refuses([&] { target.losses(task.x, kHidden, query); });
  });
  EXPECT_EQ(seen, 6);
  EXPECT_EQ(refused, 4);
}

TEST(InnerValues, ThatAreNotThereAreNamed) {
  evaluation::DefendedModel model = defended(with_inner_values());
  attacked(model, [&](Target& target, const Task& task) {
    Query query;
    query.features = {"hiden"};
    try {
      target.losses(task.x, kHidden, query);
      ADD_FAILURE() << "nothing was thrown";
    } catch (const std::invalid_argument& error) {
      EXPECT_STREQ(error.what(),
                   "a query: the network has no feature 'hiden', did you mean 'hidden'?");
    }
  });
}

Loss suggested(evaluation::DefendedModel& model) {
  return model.adaptive_loss(
      Goal::kUntargeted, std::make_shared<evaluation::LossView>(model, 0, models::Mode::kFolded));
}

// Looks at the hidden layer wherever the host shows it one.
struct Watcher : Defense, ReadsFeatures, Refuses, SuggestsLoss {
  std::string name = "hidden";
  std::vector<double> scored;
  std::vector<std::string> features() const override { return {name}; }
  Tensor score(const Tensor& x, const Outputs& out, View& view) override {
    const Tensor hidden = out.heads.at("hidden");
    scored.push_back(of_first(hidden));
    EXPECT_TRUE(view.pass(x, {"penultimate"}).heads.at("penultimate").equal(hidden.relu()));
    EXPECT_EQ(view.pass(x).heads.size(), 1u) << "what it reads everywhere";
    return hidden.sum(1) - 1000;
  }
  Loss adaptive_loss(Goal) override {
    return [](const Outputs& out, const Rows&) { return out.heads.at("hidden").sum(1); };
  }
};

TEST(InnerValues, AreShownToDefensesThatReadThem) {
  auto watcher = std::make_shared<Watcher>();
  evaluation::DefendedModel model = defended(with_inner_values(), {watcher});
  const evaluation::CraftBatch batch = images(model, 6);
  EXPECT_FALSE(watcher->scored.empty());
  attacked(model, [&](Target& target, const Task& task) {
    const Tensor loss = target.losses(task.x, suggested(model));
    EXPECT_EQ(loss.size(0), 6);
    EXPECT_EQ(target.facts().features.size(), 2u);
  });
}

TEST(InnerValues, ThatADefenseReadsAndTheNetworkHasNot) {
  auto watcher = std::make_shared<Watcher>();
  watcher->name = "stage7";
  try {
    defended(with_inner_values(), {watcher});
    ADD_FAILURE() << "nothing was thrown";
  } catch (const BadInput& error) {
    EXPECT_NE(std::string(error.what())
                  .find("'wrapper' asks for a value inside the network: the "
                        "network has no feature 'stage7'"),
              std::string::npos)
        << error.what();
  }
}

// What is suggested cannot be followed on a mean of draws, and says so.
TEST(InnerValues, OfASuggestedLossNeedSingleDraws) {
  evaluation::DefendedModel model =
      defended(with_inner_values(), {std::make_shared<Watcher>(), std::make_shared<Voter>()});
  int64_t refused = 0;
  attacked(model, [&](Target& target, const Task& task) {
    Query query;
    query.draws = 2, query.average = Average::kLoss;
    target.losses(task.x, suggested(model), query);
    query.average = Average::kProbability;
    try {
      target.losses(task.x, suggested(model), query);
    } catch (const InvalidResult& error) {
      ++refused;
      EXPECT_NE(std::string(error.what()).find("average = \"loss\""), std::string::npos);
    }
  });
  EXPECT_EQ(refused, 2) << "once with the plain loss, once with the suggested one";
}

TEST(InnerValues, AreInEveryBallotOfAVote) {
  struct Counts final : Defense, Votes, ReadsFeatures {
    int64_t ballots = 0;
    int64_t mc_samples() const override { return 3; }
    Tensor perturb(const Tensor& x, Noise& noise) override {
      return x + 0.05 * noise.normal(x.sizes().slice(1));
    }
    std::vector<std::string> features() const override { return {"hidden"}; }
    Tensor ballot(const Outputs& out) override {
      ballots += out.heads.at("hidden").size(0);
      return out.logits.softmax(1);
    }
  };
  auto counts = std::make_shared<Counts>();
  evaluation::DefendedModel model = defended(with_inner_values(), {counts});
  const evaluation::CraftBatch batch = images(model, 4);
  counts->ballots = 0;
  model.decide(batch.x, noise_for(0, evaluation::Stream::kClean, batch.index));
  EXPECT_EQ(counts->ballots, 12);
  attacked(model, [&](Target& target, const Task& task) {
    Query query;
    query.draws = 3, query.average = Average::kBallot, query.noise = Draw::kFixed;
    const Gradient gradient = target.gradient(task.x, margin(task.goal), query);
    EXPECT_TRUE(gradient.loss.allclose(target.losses(task.x, margin(task.goal), query)));
    EXPECT_GT(gradient.x.abs().max().item<double>(), 0);
  });
}

}  // namespace
}  // namespace gauntlet
