// noise = "fixed": one draw of the defense's noise for a whole run.
#include <gtest/gtest.h>

#include "plugins/attacks/gradient/recording_target.h"

namespace gauntlet {
namespace {
using namespace toys;

const std::vector<int64_t> kFixedImage = {1, 6, 8};
const int64_t kFixedSteps = 4;

// Multiplies an image by 1 + u, u uniform: of a linear margin the gradient is 1 + u times that of
// the bare network, wherever it is asked for.
struct Brightens final : Defense, TransformsInput {
  Tensor forward(const Tensor& x, Noise& noise) override {
    return x * (1 + noise.uniform({1})).view({-1, 1, 1, 1});
  }
};
Toy brightened(const std::shared_ptr<ToyNetwork>& network) {
  return toy(network, {}, {{"brightens", std::make_shared<Brightens>()}});
}

ParamMap with_noise(ParamMap params, const char* noise) {
  params["noise"] = noise;
  params["steps"] = kFixedSteps;
  return params;
}
const std::vector<std::pair<const char*, ParamMap>> kFixable = {
    {"pgd", {{"loss", "margin"}}},
    {"pgd", {{"loss", "margin"}, {"scales", 2}}},
    {"apgd", {{"loss", "margin"}}},
    {"alternating_pgd", {{"losses", ParamList{"margin"}}}}};

// Slopes of two restarts, four steps each, on three draws.
std::vector<Tensor> slopes_of(const Toy& t, const evaluation::CraftBatch& batch,
                              const std::pair<const char*, ParamMap>& attack, const char* noise,
                              Asked& asked) {
  evaluation::CraftRules rules;
  rules.draws = 3, rules.average = Average::kLoss;
  rules.restarts = 2, rules.retire = false;
  listened(attack.first, with_noise(attack.second, noise), t, batch, threat_of(Norm::kLinf, 0.1),
           asked, rules);
  return asked.slopes;
}

bool near(const Tensor& a, const Tensor& b) { return torch::allclose(a, b, 1e-5, 1e-6); }

TEST(FixedNoise, GivesEveryStepTheSameDrawsAndRestartsOthers) {
  const Toy t = brightened(linear(kFixedImage, 2, 0.3));
  ASSERT_TRUE(t.model->stochastic());
  const evaluation::CraftBatch batch = middling(t, 10);
  for (const auto& attack : kFixable) {
    Asked asked;
    const std::vector<Tensor> slopes = slopes_of(t, batch, attack, "fixed", asked);
    ASSERT_EQ(slopes.size(), size_t(2 * kFixedSteps)) << attack.first;
    for (size_t i = 0; i < slopes.size(); ++i) {
      const size_t first = i < size_t(kFixedSteps) ? 0 : size_t(kFixedSteps);
      EXPECT_TRUE(near(slopes[i], slopes[first])) << attack.first << i;
    }
    EXPECT_FALSE(near(slopes[0], slopes[size_t(kFixedSteps)])) << attack.first;
  }
}

TEST(FixedNoise, IsWhatFreshNoiseIsNot) {
  const Toy t = brightened(linear(kFixedImage, 2, 0.3));
  const evaluation::CraftBatch batch = middling(t, 10);
  for (const auto& attack : kFixable) {
    Asked asked;
    const std::vector<Tensor> slopes = slopes_of(t, batch, attack, "fresh", asked);
    ASSERT_EQ(slopes.size(), size_t(2 * kFixedSteps)) << attack.first;
    for (size_t i = 1; i < slopes.size(); ++i)
      EXPECT_FALSE(near(slopes[i], slopes[0])) << attack.first << i;
  }
}

// 1 + the mean of three uniforms, which differ: no slope is that of one draw for all rows.
TEST(FixedNoise, IsTheMeanOfItsDraws) {
  const Toy t = brightened(linear(kFixedImage, 2, 0.3));
  const evaluation::CraftBatch batch = middling(t, 200);
  const Tensor w = t.network->tensors()[0].tensor;
  const Tensor normal = (w.index_select(0, 1 - batch.y) - w.index_select(0, batch.y));
  Asked asked;
  const Tensor slope = slopes_of(t, batch, kFixable[0], "fixed", asked)[0].flatten(1);
  const Tensor factor = (slope * normal).sum(1) / (normal * normal).sum(1);
  EXPECT_TRUE(torch::allclose(slope, factor.unsqueeze(1) * normal, 1e-4, 1e-5));
  // Of one uniform the variance is 1/12, of a mean of three independent ones 1/36; four standard
  // errors of 200 samples.
  EXPECT_NEAR(factor.mean().item<double>(), 1.5, 4 * std::sqrt(1.0 / 36 / 200));
  EXPECT_NEAR(factor.var().item<double>(), 1.0 / 36, 0.4 / 36);
}

TEST(FixedNoise, OfApgdIsThatOfItsComparisons) {
  const Toy t = brightened(curved(kFixedImage, 5));
  Asked asked;
  slopes_of(t, batch_of(*t.model, 10), {"apgd", {}}, "fixed", asked);
  ASSERT_EQ(asked.queries.size(), size_t(2 * kFixedSteps));
  const size_t losses = asked.losses.size() / 2;
  for (size_t i = 0; i < asked.queries.size(); ++i) {
    EXPECT_EQ(asked.queries[i].noise, Draw::kFixed) << i;
    const size_t run = i / size_t(kFixedSteps);
    EXPECT_EQ(asked.queries[i].key, asked.losses[run * losses].second.key) << i;
  }
}

TEST(FixedNoise, ChangesNothingWhereNothingIsDrawn) {
  const Toy t = toy(curved(kFixedImage, 5));
  ASSERT_FALSE(t.model->stochastic());
  const evaluation::CraftBatch batch = batch_of(*t.model, 20);
  for (const auto& attack : kFixable)
    for (const Norm norm : {Norm::kLinf, Norm::kL2}) {
      Asked fixed, fresh;
      const ThreatModel threat = threat_of(norm, 0.2);
      EXPECT_TRUE(torch::equal(
          listened(attack.first, with_noise(attack.second, "fixed"), t, batch, threat, fixed).x,
          listened(attack.first, with_noise(attack.second, "fresh"), t, batch, threat, fresh).x))
          << attack.first;
    }
}

}  // namespace
}  // namespace gauntlet
