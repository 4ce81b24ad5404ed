#include "training/optimizer.h"

#include <gtest/gtest.h>

#include <cmath>

namespace gauntlet {
namespace {

training::OptimizerSpec sgd(double momentum, bool nesterov, double weight_decay) {
  training::OptimizerSpec spec;
  spec.momentum = momentum;
  spec.nesterov = nesterov;
  spec.weight_decay = weight_decay;
  return spec;
}

// One number optimised with these gradients, one a step; its values after each step.
std::vector<double> path(const training::OptimizerSpec& spec, double start,
                         std::vector<double> gradients, double learning_rate) {
  training::Optimizer optimizer(spec);
  const Tensor p = torch::full({1}, start);
  optimizer.add("p", p, true);
  std::vector<double> values;
  for (const double gradient : gradients) {
    optimizer.step({torch::full({1}, gradient)}, learning_rate);
    values.push_back(p.item<double>());
  }
  return values;
}

// Float32 arithmetic against double.
constexpr double kRounding = 1e-6;

TEST(Optimizer, SgdWithMomentumIsWhatAHandComputes) {
  // buffer 1, 0.9 + 2 = 2.9, 2.61 - 1 = 1.61; each step takes 0.1 of it.
  const auto p = path(sgd(0.9, false, 0), 1, {1, 2, -1}, 0.1);
  EXPECT_NEAR(p[0], 0.9, kRounding);
  EXPECT_NEAR(p[1], 0.61, kRounding);
  EXPECT_NEAR(p[2], 0.449, kRounding);
}

TEST(Optimizer, NesterovLooksAhead) {
  // direction g + 0.9 buffer: 1.9, 2 + 2.61 = 4.61
  const auto p = path(sgd(0.9, true, 0), 1, {1, 2}, 0.1);
  EXPECT_NEAR(p[0], 0.81, kRounding);
  EXPECT_NEAR(p[1], 0.349, kRounding);
}

TEST(Optimizer, WeightDecayEntersTheGradientOfDecayedTensorsOnly) {
  training::Optimizer optimizer(sgd(0, false, 0.5));
  const Tensor decayed = torch::full({1}, 2.0), plain = torch::full({1}, 2.0);
  optimizer.add("decayed", decayed, true);
  optimizer.add("plain", plain, false);
  optimizer.step({torch::ones({1}), torch::ones({1})}, 0.1);
  EXPECT_NEAR(decayed.item<double>(), 2 - 0.1 * (1 + 0.5 * 2), kRounding);
  EXPECT_NEAR(plain.item<double>(), 2 - 0.1 * 1, kRounding);
}

TEST(Optimizer, AdamWTakesDecayOffTheWeightsNotIntoTheMoments) {
  training::OptimizerSpec spec{.type = training::OptimizerSpec::Type::kAdamW};
  const auto plain = path(spec, 2, {3, -1}, 0.1);
  spec.weight_decay = 0.5;
  const auto decayed = path(spec, 2, {3, -1}, 0.1);
  const double first_step = plain[0] - 2, second_step = plain[1] - plain[0];
  EXPECT_NEAR(decayed[0], 2 * (1 - 0.1 * 0.5) + first_step, kRounding);
  EXPECT_NEAR(decayed[1], decayed[0] * (1 - 0.1 * 0.5) + second_step, kRounding);
}

TEST(Optimizer, TheFirstGroupThatMatchesCounts) {
  training::OptimizerSpec spec = sgd(0, false, 0.5);
  spec.groups = {{.match = {"*.bias", "a.*"}, .weight_decay = 0.25, .learning_rate_factor = 2},
                 {.match = {"a.weight", "nothing.*"}, .learning_rate_factor = 100}};
  training::Optimizer optimizer(spec);
  const Tensor a = torch::full({1}, 2.0), bias = torch::full({1}, 2.0), b = torch::full({1}, 2.0);
  optimizer.add("a.weight", a, true);
  optimizer.add("b.bias", bias, false);  // a group's own decay counts here too
  optimizer.add("b.weight", b, true);
  optimizer.step({torch::ones({1}), torch::ones({1}), torch::ones({1})}, 0.1);
  EXPECT_NEAR(a.item<double>(), 2 - 0.2 * (1 + 0.25 * 2), kRounding);
  EXPECT_NEAR(bias.item<double>(), 2 - 0.2 * (1 + 0.25 * 2), kRounding);
  EXPECT_NEAR(b.item<double>(), 2 - 0.1 * (1 + 0.5 * 2), kRounding);
  EXPECT_EQ(optimizer.idle_patterns(), std::vector<std::string>{"nothing.*"});
}

TEST(Optimizer, AdamFollowsItsFormula) {
  training::OptimizerSpec spec;
  spec.type = training::OptimizerSpec::Type::kAdam;
  const std::vector<double> gradients = {0.5, -1.5, 0.25, 3};
  const auto p = path(spec, 1, gradients, 0.01);
  double m = 0, v = 0, expected = 1;
  for (size_t t = 1; t <= gradients.size(); ++t) {
    const double g = gradients[t - 1];
    m = 0.9 * m + 0.1 * g;
    v = 0.999 * v + 0.001 * g * g;
    expected -=
        0.01 * (m / (1 - std::pow(0.9, t))) / (std::sqrt(v / (1 - std::pow(0.999, t))) + 1e-8);
    EXPECT_NEAR(p[t - 1], expected, kRounding) << "step " << t;
  }
  EXPECT_NEAR(p[0], 0.99, kRounding);  // the first step is the learning rate, whatever the gradient
}

TEST(Optimizer, LearningRateFactorScalesTheSchedule) {
  training::OptimizerSpec spec;
  spec.learning_rate_factor = 0.25;
  EXPECT_NEAR(path(spec, 1, {1}, 0.4)[0], 0.9, kRounding);
}

TEST(ClipGradients, LeavesWhatIsNotFiniteForItsCallerToSee) {
  for (const float value : {INFINITY, NAN}) {
    const Tensor gradient = torch::tensor({value, 2.f});
    EXPECT_FALSE(std::isfinite(training::clip_gradients({gradient}, 1)));
    EXPECT_EQ(gradient[1].item<float>(), 2.f);
  }
}

TEST(Optimizer, AnUndefinedGradientLeavesItsTensorAlone) {
  training::Optimizer optimizer(sgd(0.9, false, 0.5));
  const Tensor p = torch::ones({1});
  optimizer.add("p", p, true);
  optimizer.step({Tensor()}, 0.1);
  EXPECT_EQ(p.item<float>(), 1.0f);
}

TEST(Optimizer, RestoredStateGoesOnBitForBit) {
  for (const auto type :
       {training::OptimizerSpec::Type::kSgd, training::OptimizerSpec::Type::kAdam}) {
    training::OptimizerSpec spec = sgd(0.9, true, 0.01);
    spec.type = type;
    const auto gradient = [](int step) { return torch::linspace(-1, 1, 5) * (step + 1) * 0.3; };
    training::Optimizer whole(spec);
    const Tensor p = torch::linspace(0, 1, 5);
    whole.add("p", p, true);
    for (int step = 0; step < 3; ++step) whole.step({gradient(step)}, 0.1);
    training::Optimizer resumed(spec);
    const Tensor q = p.clone();
    resumed.add("p", q, true);
    resumed.restore(whole.state());
    for (int step = 3; step < 6; ++step) {
      whole.step({gradient(step)}, 0.1);
      resumed.step({gradient(step)}, 0.1);
    }
    EXPECT_TRUE(torch::equal(p, q));
  }
}

TEST(ClipGradients, LimitsTheJointNorm) {
  const Tensor a = torch::full({1}, 3.0), b = torch::full({1}, 4.0);
  EXPECT_DOUBLE_EQ(training::clip_gradients({a, Tensor(), b}, 10), 5);
  EXPECT_EQ(a.item<float>(), 3.0f);  // short enough: untouched
  EXPECT_DOUBLE_EQ(training::clip_gradients({a, Tensor(), b}, 1), 5);
  EXPECT_NEAR(a.item<double>(), 0.6, kRounding);
  EXPECT_NEAR(b.item<double>(), 0.8, kRounding);
}

}  // namespace
}  // namespace gauntlet
