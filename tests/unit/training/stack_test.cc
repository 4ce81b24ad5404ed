// Wrappers that a network wears while it is trained.
#include <gtest/gtest.h>

#include "training_fixture.h"

namespace gauntlet {
namespace {
using namespace training_tests;

training::Recipe in_noise(double sigma) {
  training::Recipe recipe = small_recipe();
  recipe.stack = {{"smoothing", {{"sigma", sigma}}}};
  recipe.method = Use{"adversarial_training",
                      {{"weight", 0.5}, {"attack", ParamMap{{"use", "pgd"}, {"steps", 2}}}}};
  return recipe;
}

TEST(TrainingStack, WithoutNoiseItIsTheBareTraining) {
  const data::Dataset data = quarters(72);
  training::Recipe bare = in_noise(0);
  bare.stack.clear();
  EXPECT_TRUE(same_bits(trained(in_noise(0), data), trained(bare, data)));
  EXPECT_FALSE(same_bits(trained(in_noise(0.1), data), trained(bare, data)));
}

/// Asks the session the same thing twice.
struct Asks final : Defense, Trains {
  std::function<void(Training&, const Batch&)> on_step;
  void step(Training& training, const Batch& batch) override { on_step(training, batch); }
};

TEST(TrainingStack, EveryPassAndEveryAttackHasNoiseOfItsOwn) {
  training::Recipe recipe = in_noise(0.3);
  recipe.epochs = 1;
  auto method = std::make_shared<Asks>();
  int64_t steps = 0;
  method->on_step = [&](Training& training, const Batch& batch) {
    EXPECT_FALSE(torch::equal(training.forward(batch.x).logits, training.forward(batch.x).logits));
    EXPECT_FALSE(torch::equal(training.predict(batch.x).logits, training.predict(batch.x).logits));
    const Use pgd = {"pgd", {{"steps", 3}, {"start", "input"}}};
    EXPECT_FALSE(torch::equal(training.attack(pgd, batch), training.attack(pgd, batch)));
    training.minimise(torch::cross_entropy_loss(training.forward(batch.x).logits, batch.y));
    ++steps;
  };
  trained(recipe, quarters(72), method);
  EXPECT_GT(steps, 0);
}

// What an attack of one step sees of the batch on two draws, draw by draw.
Tensor seen_by_attack(Training& training, const Batch& batch, const Pass& pass) {
  std::vector<Tensor> seen;
  Inner inner;
  inner.pass = pass;
  inner.loss = Loss([&](const Outputs& out, const Rows& rows) {
    seen.push_back(out.logits.detach().clone());
    return out.logits.gather(1, rows.y.unsqueeze(1)).squeeze(1);
  });
  training.attack({"pgd", {{"steps", 1}, {"start", "input"}, {"draws", 2}, {"average", "loss"}}},
                  batch, inner);
  return torch::cat(seen);
}

// Noise of the input, of each row its own, and noise in weights, of all rows one.
TEST(TrainingStack, OnAFixedKeyAttackAndUpdateSeeTheSameNoise) {
  training::Recipe by_row = in_noise(0.3), shared = small_recipe();
  shared.layer_plugins = {{"pni", {{"initial", 0.25}}}};
  for (training::Recipe recipe : {by_row, shared}) {
    recipe.epochs = 1;
    auto method = std::make_shared<Asks>();
    int64_t steps = 0;
    method->on_step = [&](Training& training, const Batch& batch) {
      const auto near = [](const Tensor& a, const Tensor& b) {
        return a.allclose(b, 1e-3, 1e-4);  // batch norm is folded in the attack
      };
      const int64_t size = batch.x.size(0);
      const Pass first{.noise = Draw::kFixed, .key = 5},
          second{.noise = Draw::kFixed, .key = 5, .draw = 1},
          other{.noise = Draw::kFixed, .key = 6};
      const auto predicted = [&](const Pass& pass) {
        return training.predict(batch.x, pass).logits;
      };
      const Tensor seen = seen_by_attack(training, batch, first);
      ASSERT_EQ(seen.size(0), 2 * size);
      EXPECT_TRUE(near(seen.narrow(0, 0, size), predicted(first)));
      EXPECT_TRUE(near(seen.narrow(0, size, size), predicted(second)));
      EXPECT_FALSE(near(predicted(first), predicted(second)));
      EXPECT_FALSE(near(predicted(first), predicted(other)));
      EXPECT_FALSE(near(seen_by_attack(training, batch, {}), seen));
      EXPECT_TRUE(torch::equal(predicted(first), predicted(first)));
      if (!recipe.stack.empty()) {  // draws of rows fold into the batch
        EXPECT_TRUE(near(training.predict(batch.x.repeat({2, 1, 1, 1}), first).logits, seen));
      }
      EXPECT_TRUE(torch::equal(predicted({.noise = Draw::kOff}), predicted({.noise = Draw::kOff})));
      const Tensor logits = training.forward(batch.x, first).logits;
      EXPECT_TRUE(torch::equal(logits, training.forward(batch.x, first).logits));
      EXPECT_FALSE(torch::equal(logits, training.forward(batch.x).logits));
      training.minimise(torch::cross_entropy_loss(logits, batch.y));
      ++steps;
    };
    trained(recipe, quarters(72), method);
    EXPECT_GT(steps, 0);
  }
}

TEST(TrainingStack, PassesThatCannotBeAreRefused) {
  training::Recipe recipe = in_noise(0.3);
  recipe.epochs = 1;
  auto method = std::make_shared<Asks>();
  method->on_step = [&](Training& training, const Batch& batch) {
    const Pass fixed{.noise = Draw::kFixed};
    const Tensor some = batch.x.narrow(0, 0, batch.x.size(0) - 1);
    EXPECT_THROW(training.forward(some, fixed), std::invalid_argument);
    EXPECT_THROW(training.predict(batch.x, {.noise = Draw::kFixed, .key = -1}),
                 std::invalid_argument);
    EXPECT_THROW(training.predict(batch.x, {.noise = Draw::kFixed, .key = int64_t{1} << 22}),
                 std::invalid_argument);
    EXPECT_THROW(training.predict(batch.x, {.noise = Draw::kFixed, .draw = int64_t{1} << 20}),
                 std::invalid_argument);
    EXPECT_THROW(seen_by_attack(training, batch, {.noise = Draw::kFixed, .draw = 1}),
                 std::invalid_argument);
    training.minimise(torch::cross_entropy_loss(training.forward(batch.x).logits, batch.y));
  };
  trained(recipe, quarters(72), method);
}

TEST(TrainingStack, ResumesBitForBit) {
  const data::Dataset data = quarters(72);
  const training::Recipe recipe = in_noise(0.1);
  const training::NamedTensors whole = trained(recipe, data);
  const Folder folder;
  training::TrainCallbacks callbacks;
  int64_t batches = 0;
  callbacks.stop = [&] { return ++batches > 6; };
  const training::TrainingParts first = parts_of(recipe);
  EXPECT_FALSE(run_training(recipe, data, first, folder.path / "c", false, callbacks).finished);
  const training::TrainingParts second = parts_of(recipe);
  EXPECT_TRUE(run_training(recipe, data, second, folder.path / "c", true, {}).finished);
  EXPECT_TRUE(same_bits(whole, weights(*second.network)));
}

}  // namespace
}  // namespace gauntlet
