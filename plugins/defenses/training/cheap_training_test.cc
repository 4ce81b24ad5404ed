// "Fast" and "free" adversarial training on a linear network, where signs are known.
#include <gtest/gtest.h>

#include "evaluation/craft.h"
#include "plugins/defenses/training/recording_session.h"

namespace gauntlet {
namespace {
using namespace toys;

constexpr double kEpsilon = 0.1, kRounding = 1e-6;

Tensor images(std::vector<float> pixels) {
  const auto rows = int64_t(pixels.size()) / 3;
  return torch::tensor(pixels).view({rows, 1, 1, 3});
}
// Of class 0 the loss rises with w_1 - w_0 = (+, -, 0), of class 1 the other way.
const Tensor kWeights = torch::tensor({{-1.f, 2.f, 0.f}, {1.f, -1.f, 0.f}});
RecordingSession linear_session() { return {kWeights.clone(), {}}; }
Batch two_images(int64_t first, int64_t second) {
  return {images({.5f, .5f, .5f, .98f, .03f, .5f}), torch::tensor({first, second}, torch::kLong),
          torch::arange(2)};
}
void expect_near(const Tensor& a, const Tensor& b) {
  ASSERT_EQ(a.sizes(), b.sizes());
  EXPECT_LE((a - b).abs().max().item<double>(), kRounding) << a << b;
}

// ---- free ---------------------------------------------------------------------------------------

TEST(FreeAdversarialTraining, PerturbationOfALinearModelInClosedForm) {
  RecordingSession s = linear_session();
  const auto plugin = defense("free_adversarial_training", {{"replays", 1}});
  trainer(plugin).step(s, two_images(0, 0));
  // +-epsilon, and no further than the box lets it.
  expect_near(s.kept.at("delta"), images({.1f, -.1f, 0, .02f, -.03f, 0}));
  expect_near(s.forwards.at(0), two_images(0, 0).x);  // it began with no perturbation
  EXPECT_TRUE(s.attacks.empty());
}

TEST(FreeAdversarialTraining, PerturbationStaysForTheNextBatch) {
  RecordingSession s = linear_session();
  const auto plugin = defense("free_adversarial_training", {{"replays", 1}, {"step", 0.75}});
  trainer(plugin).step(s, two_images(0, 0));
  expect_near(s.kept.at("delta"), images({.075f, -.075f, 0, .02f, -.03f, 0}));
  // Images in other places of the box, one of class 1: from there on the steps go the other way.
  const Batch next{images({.95f, .5f, .5f, .5f, .5f, .5f}), torch::tensor({0, 1}, torch::kLong),
                   torch::arange(2)};
  trainer(plugin).step(s, next);
  expect_near(s.forwards.at(1), next.x + images({.05f, -.075f, 0, .02f, -.03f, 0}));
  expect_near(s.kept.at("delta"), images({.05f, -.1f, 0, -.055f, .045f, 0}));
}

TEST(FreeAdversarialTraining, OneBackwardPassStepsWeightsAndPerturbation) {
  RecordingSession s = linear_session();
  s.learning_rate = 0.3;
  const Batch b = two_images(0, 1);
  b.x.select(3, 2).zero_();  // and the weights of the third pixel stay 0
  trainer(defense("free_adversarial_training", {{"replays", 3}})).step(s, b);
  ASSERT_EQ(s.losses.size(), 3u);
  EXPECT_EQ(s.forwards.size(), 3u);
  Tensor w = kWeights.clone().requires_grad_(true), x = b.x;
  for (size_t replay = 0; replay < 3; ++replay) {
    expect_near(s.forwards[replay], x);
    const Tensor loss = torch::cross_entropy_loss(x.flatten(1).mm(w.t()), b.y);
    EXPECT_NEAR(s.losses[replay].item<double>(), loss.item<double>(), kRounding);
    w = (w - 0.3 * torch::autograd::grad({loss}, {w})[0]).detach().requires_grad_(true);
    x = b.x + images({.1f, -.1f, 0, -.1f, .1f, 0});  // signs do not change, the ball holds
  }
  expect_near(s.w.detach(), w.detach());
}

TEST(FreeAdversarialTraining, ASmallerBatchUsesTheFirstRowsAndLeavesTheOthers) {
  RecordingSession s = linear_session();
  const auto plugin = defense("free_adversarial_training", {{"replays", 1}});
  trainer(plugin).step(s, two_images(0, 0));
  trainer(plugin).step(
      s, {images({.5f, .5f, .5f}), torch::tensor({1}, torch::kLong), torch::arange(1)});
  expect_near(s.kept.at("delta"), images({0, 0, 0, .02f, -.03f, 0}));
}

TEST(FreeAdversarialTraining, StepZeroIsStandardTraining) {
  RecordingSession s = linear_session();
  trainer(defense("free_adversarial_training", {{"replays", 2}, {"step", 0}}))
      .step(s, two_images(0, 1));
  for (const Tensor& x : s.forwards) EXPECT_TRUE(torch::equal(x, two_images(0, 1).x));
}

// ---- fast ---------------------------------------------------------------------------------------

TEST(FastAdversarialTraining, TrainsOnOneStepFromAUniformStartInTrainingMode) {
  RecordingSession s = linear_session();
  s.adversarial = two_images(0, 1).x + 0.01;
  const Tensor loss = trainer(defense("fast_adversarial_training")).loss(s, two_images(0, 1));
  const Tensor expected = torch::cross_entropy_loss(s.logits(s.adversarial), two_images(0, 1).y);
  EXPECT_TRUE(torch::equal(loss, expected));
  ASSERT_EQ(s.attacks.size(), 1u);
  EXPECT_EQ(s.attacks[0].plugin, "pgd");
  EXPECT_EQ(s.attacks[0].with.at("steps"), ParamValue(1));
  EXPECT_EQ(s.attacks[0].with.at("start"), ParamValue("uniform"));
  EXPECT_NEAR(*s.attacks[0].with.at("step_size").get<double>(), 1.25 * kEpsilon, 1e-8);
  EXPECT_TRUE(s.inner.at(0).training_mode);
  EXPECT_FALSE(s.inner.at(0).loss);
}

TEST(FastAdversarialTraining, StepAndClampsByHand) {
  RecordingSession s = linear_session();
  s.adversarial = two_images(0, 1).x;
  trainer(defense("fast_adversarial_training")).loss(s, two_images(0, 1));
  const auto network =
      std::make_shared<ToyNetwork>(std::vector<int64_t>{1, 1, 3}, kWeights, torch::zeros({2}));
  const Toy linear = toy(network);
  const Batch b = two_images(0, 1);
  evaluation::CraftRules rules;
  rules.track = false;
  ToyEnvironment environment;
  const Tensor found = craft(*attack(s.attacks[0].plugin, s.attacks[0].with), *linear.model,
                             {b.x, b.y, b.sample}, s.ball, rules, environment)
                           .x;
  Noise noise = noise_for(rules.seed, evaluation::Stream::kAttack, b.sample).at(0);
  const Tensor start = (b.x + (noise.uniform({1, 1, 3}) * 2 - 1) * kEpsilon).clamp(0, 1) - b.x;
  const Tensor sign = images({1, -1, 0, -1, 1, 0});
  const Tensor delta = (start + 1.25 * kEpsilon * sign).clamp(-kEpsilon, kEpsilon);
  expect_near(found, (b.x + delta).clamp(0, 1));
  EXPECT_GT((start - delta).abs().max().item<double>(), 0.01);
}

// What an epoch's end says when the network withstands PGD-5 on so many of ten images.
struct Epochs {
  RecordingSession s = linear_session();
  std::shared_ptr<Defense> plugin;
  Batch batch{torch::zeros({10, 1, 1, 3}), torch::zeros({10}, torch::kLong), torch::arange(10)};

  explicit Epochs(const ParamMap& params) : plugin(defense("fast_adversarial_training", params)) {}
  bool goes_on_with(int64_t right) {
    s.attacker = [=](const Use&, const Batch& b, const Inner&) {
      Tensor x = torch::zeros_like(b.x);  // answers 0 where the first pixel is below 0
      x.select(3, 0).fill_(1).narrow(0, 0, right).fill_(-1);
      return x;
    };
    s.at_epoch = std::floor(s.at_epoch) + 1;
    trainer(plugin).loss(s, batch);
    const Batch later{batch.x + 1, batch.y, batch.sample};
    s.at_epoch += 0.5;
    trainer(plugin).loss(s, later);
    return trainer(plugin).epoch_end(s);
  }
};

TEST(FastAdversarialTraining, EndsWhereRobustAccuracyCollapses) {
  Epochs epochs({});
  EXPECT_TRUE(epochs.goes_on_with(5));  // nothing to compare with
  EXPECT_TRUE(epochs.goes_on_with(9));
  EXPECT_TRUE(epochs.goes_on_with(8));
  EXPECT_FALSE(epochs.s.rejected);
  EXPECT_FALSE(epochs.goes_on_with(5));
  EXPECT_TRUE(epochs.s.rejected);
  EXPECT_NEAR(epochs.s.kept.at("robust_accuracy").item<double>(), 0.8, kRounding);
}

TEST(FastAdversarialTraining, MeasuresPgd5OnTheFirstBatchOfTheEpoch) {
  Epochs epochs({});
  epochs.goes_on_with(5);
  ASSERT_EQ(epochs.s.attacks.size(), 3u);
  EXPECT_TRUE(torch::equal(epochs.s.attacked[2].x, epochs.batch.x));
  EXPECT_EQ(epochs.s.attacks[2].with.at("steps"), ParamValue(5));
  EXPECT_NEAR(*epochs.s.attacks[2].with.at("step_size").get<double>(), kEpsilon / 4, 1e-8);
  EXPECT_FALSE(epochs.s.inner[2].training_mode);
}

TEST(FastAdversarialTraining, LargestFallIsAParameter) {
  Epochs lenient({{"largest_fall", 0.55}}), blind({{"largest_fall", 1}});
  EXPECT_TRUE(lenient.goes_on_with(9));
  EXPECT_TRUE(lenient.goes_on_with(4));
  EXPECT_TRUE(blind.goes_on_with(9));
  EXPECT_TRUE(blind.goes_on_with(0));
  EXPECT_EQ(blind.s.attacks.size(), 4u);  // those of training alone
}

}  // namespace
}  // namespace gauntlet
