// Auto-PGD on defenses that draw noise.
#include <gtest/gtest.h>

#include "plugins/attacks/gradient/recording_target.h"

namespace gauntlet {
namespace {
using namespace toys;

const std::vector<int64_t> kNoisyImage = {1, 6, 8};

evaluation::CraftRules drawing(int64_t draws) {
  evaluation::CraftRules rules;
  rules.draws = draws;
  rules.average = Average::kLoss;
  return rules;
}

// The noise adds the same to the margin of every iterate, and much more than a step does.
TEST(ApgdUnderNoise, ComparesIteratesOnCommonDraws) {
  const Toy t = with_input_noise(linear(kNoisyImage, 2, 0.3), 3);
  ASSERT_TRUE(t.model->stochastic());
  const evaluation::CraftBatch batch = middling(t, 200);
  const Tensor w = t.network->tensors()[0].tensor;
  const Tensor normal = torch::where(per_image(batch.y == 0), (w[1] - w[0]).view({1, 1, 6, 8}),
                                     (w[0] - w[1]).view({1, 1, 6, 8}));
  const auto rise = [&](const Tensor& x) { return ((x - batch.x) * normal).flatten(1).sum(1); };
  for (const Norm norm : {Norm::kLinf, Norm::kL2}) {
    const ThreatModel threat = threat_of(norm, 0.1);
    for (const int64_t draws : {1, 3}) {
      Asked asked;
      const Tensor x = listened("apgd", {{"steps", 6}, {"loss", "margin"}}, t, batch, threat, asked,
                                drawing(draws))
                           .x;
      const Tensor best = (0.1 * threat.steepest(normal) * normal).flatten(1).sum(1);
      EXPECT_TRUE(torch::allclose(rise(x), best, 1e-3, 1e-4)) << draws;
    }
  }
}

// A gradient that leads astray after the third step: what was found before it is the answer.
TEST(ApgdUnderNoise, KeepsTheBestIterateWhateverTheLastOneIs) {
  const Toy t = with_input_noise(linear(kNoisyImage, 2, 0.3), 3);
  const evaluation::CraftBatch batch = middling(t, 100);
  const ThreatModel threat = threat_of(Norm::kLinf, 0.1);
  const Tensor w = t.network->tensors()[0].tensor;
  const Tensor normal = torch::where(per_image(batch.y == 0), (w[1] - w[0]).view({1, 1, 6, 8}),
                                     (w[0] - w[1]).view({1, 1, 6, 8}));
  Asked asked;
  asked.fake = [&](const Tensor&, size_t query) { return query < 3 ? normal : -normal; };
  const Tensor x =
      listened("apgd", {{"steps", 8}, {"loss", "margin"}}, t, batch, threat, asked, drawing(1)).x;
  EXPECT_TRUE(torch::allclose(x, batch.x + 0.1 * normal.sign(), 0, 1e-6));
}

TEST(ApgdUnderNoise, AsksForLossesOnOneKeyAndHasTheLastWordOnAnother) {
  const Toy t = with_input_noise(curved(kNoisyImage, 5), 0.2);
  const evaluation::CraftBatch batch = batch_of(*t.model, 10);
  Asked asked;
  evaluation::CraftRules rules = drawing(3);
  rules.restarts = 2;
  rules.retire = false;
  const evaluation::Crafted out =
      listened("apgd", {{"steps", 7}}, t, batch, threat_of(Norm::kLinf, 0.001), asked, rules);
  EXPECT_TRUE(out.queries.eq(2 * 3 * (7 + 8 + 2)).all().item<bool>());
  ASSERT_EQ(asked.losses.size(), 2u * 10u);
  std::set<int64_t> keys;
  for (size_t run = 0; run < 2; ++run) {
    const auto key = [&](size_t i) { return asked.losses[10 * run + i].second.key; };
    for (size_t i = 0; i < 10; ++i) {
      EXPECT_EQ(asked.losses[10 * run + i].second.noise, Draw::kFixed);
      EXPECT_EQ(key(i), key(i < 8 ? 0 : 8)) << i;
    }
    EXPECT_NE(key(0), key(8));
    keys.insert({key(0), key(8)});
  }
  EXPECT_EQ(keys.size(), 4u) << "a restart has noise of its own";
}

// Correct answers of fresh draws.
double fresh_accuracy(const Toy& t, const evaluation::CraftBatch& batch, const Tensor& x) {
  constexpr int64_t kDraws = 100;
  const Noise noise = noise_of(x.size(0), 77);
  double right = 0;
  for (int64_t draw = 0; draw < kDraws; ++draw)
    right += t.model->pass(x, noise.at(0, draw), models::Mode::kFolded)
                 .logits.argmax(1)
                 .eq(batch.y)
                 .to(torch::kDouble)
                 .mean()
                 .item<double>();
  return right / kDraws;
}

TEST(ApgdUnderNoise, IsNoWeakerThanPgdOnFreshDraws) {
  for (const Toy& t :
       {with_input_noise(curved(kNoisyImage, 5), 0.3),
        toy(curved(kNoisyImage, 5), {defense("pni")}),
        toy(curved(kNoisyImage, 5), {}, {{"smoothing", defense("smoothing", {{"sigma", 0.3}})}})}) {
    const evaluation::CraftBatch batch = batch_of(*t.model, 100);
    for (const Norm norm : {Norm::kLinf, Norm::kL2}) {
      const ThreatModel threat = threat_of(norm, norm == Norm::kLinf ? 0.06 : 0.3);
      const auto accuracy = [&](const char* name) {
        Asked asked;
        return fresh_accuracy(
            t, batch, listened(name, {{"steps", 20}}, t, batch, threat, asked, drawing(8)).x);
      };
      const double by_apgd = accuracy("apgd"), by_pgd = accuracy("pgd");
      EXPECT_LE(by_apgd, by_pgd + 0.01);
      EXPECT_LT(by_apgd, fresh_accuracy(t, batch, batch.x) - 0.1);
    }
  }
}

}  // namespace
}  // namespace gauntlet
