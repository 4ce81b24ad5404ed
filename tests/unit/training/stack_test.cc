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
