// MART on an example worked out in numbers.
#include <gtest/gtest.h>

#include "plugins/defenses/training/recording_session.h"

namespace gauntlet {
namespace {
using namespace toys;

// Two samples of three pixels, three classes. Logits are the pixels, the logarithms of these
// probabilities: p of the clean input, q of the adversarial one, classes 0 and 2.
//
//        p               q               KL(p || q)   1 - p_y   best wrong class of q
//   .5  .3  .2      .2  .5  .3           0.2238047    0.5       .5
//   .1  .7  .2      .3  .6  .1           0.1366737    0.8       .6
const Tensor kP = torch::tensor({{.5, .3, .2}, {.1, .7, .2}});
const Tensor kQ = torch::tensor({{.2, .5, .3}, {.3, .6, .1}});
Tensor pixels(const Tensor& p) { return p.log().to(torch::kFloat).view({2, 1, 1, 3}); }
Batch three_classes() {
  return {pixels(kP), torch::tensor({0, 2}, torch::kLong), torch::arange(2)};
}
RecordingSession three_pixels() { return {torch::eye(3), pixels(kQ)}; }

const double kCrossEntropy = (1.6094379 + 2.3025851) / 2;  // -log .2, -log .1
const double kMargin = (0.6929472 + 0.9160408) / 2;        // -log(1.0001 - .5), -log(1.0001 - .6)
const double kDivergence = (0.5 * 0.2238047 + 0.8 * 0.1366737) / 2;
constexpr double kMartRounding = 2e-6;

double loss_of(RecordingSession& s, const ParamMap& params = {}) {
  return trainer(defense("mart", params)).loss(s, three_classes()).item<double>();
}

TEST(Mart, LossOfATwoSampleBatchByHand) {
  RecordingSession s = three_pixels();
  EXPECT_NEAR(loss_of(s), kCrossEntropy + kMargin + 5 * kDivergence, kMartRounding);
  EXPECT_NEAR(kCrossEntropy + kMargin + 5 * kDivergence, 3.3136087, kMartRounding);
  ASSERT_EQ(s.forwards.size(), 2u);  // clean first
  EXPECT_TRUE(torch::equal(s.forwards[0], three_classes().x));
  EXPECT_TRUE(torch::equal(s.forwards[1], s.adversarial));
}

TEST(Mart, DivergenceIsOfTheAttackedAnswerFromTheCleanOne) {
  RecordingSession s = three_pixels();
  const double weighted = loss_of(s, {{"beta", 1}}) - loss_of(s, {{"beta", 0}});
  EXPECT_NEAR(weighted, kDivergence, kMartRounding);
  const double other_way_round = (0.5 * 0.1937942 + 0.8 * 0.1677786) / 2;  // KL(q || p)
  EXPECT_GT(std::abs(weighted - other_way_round), 1e-3);
}

TEST(Mart, TheTrueClassIsNoWrongClass) {
  RecordingSession s = three_pixels();
  s.adversarial = pixels(torch::tensor({{.8, .15, .05}, {.05, .05, .9}}));
  EXPECT_NEAR(loss_of(s, {{"beta", 0}}),
              (-std::log(.8) - std::log(1.0001 - .15) - std::log(.9) - std::log(1.0001 - .05)) / 2,
              kMartRounding);
}

TEST(Mart, WithoutItsTermsIsAdversarialTraining) {
  RecordingSession s = three_pixels(), base = three_pixels();
  const Tensor loss =
      trainer(defense("mart", {{"beta", 0}, {"margin", 0}})).loss(s, three_classes());
  const Tensor plain = trainer(defense("adversarial_training")).loss(base, three_classes());
  EXPECT_TRUE(torch::equal(loss, plain));
  EXPECT_TRUE(torch::equal(torch::autograd::grad({loss}, {s.w})[0],
                           torch::autograd::grad({plain}, {base.w})[0]));
  EXPECT_EQ(s.forwards.size(), 1u);
}

TEST(Mart, GradientFlowsThroughEveryTermAndTheWeightOfTheDivergence) {
  RecordingSession s = three_pixels();
  const Tensor loss = trainer(defense("mart", {{"beta", 3}})).loss(s, three_classes());
  const Tensor gradient = torch::autograd::grad({loss}, {s.w})[0];
  const double h = 1e-2;  // error of the difference: h^2 and rounding / h, both about 1e-4
  for (int64_t i = 0; i < 9; ++i) {
    const auto moved = [&](double by) {
      RecordingSession other = three_pixels();
      other.w.detach().view({-1})[i] += by;
      return loss_of(other, {{"beta", 3}});
    };
    EXPECT_NEAR(gradient.view({-1})[i].item<double>(), (moved(h) - moved(-h)) / (2 * h), 3e-3) << i;
  }
}

TEST(Mart, ProbabilitiesOfZeroHaveFiniteGradients) {
  RecordingSession s = three_pixels();
  s.adversarial = torch::tensor({300.f, 0.f, -300.f, 300.f, 0.f, -300.f}).view({2, 1, 1, 3});
  Batch sure = three_classes();
  sure.x = -s.adversarial;
  const Tensor loss = trainer(defense("mart")).loss(s, sure);
  EXPECT_TRUE(loss.isfinite().item<bool>());
  EXPECT_TRUE(torch::autograd::grad({loss}, {s.w})[0].isfinite().all().item<bool>());
}

TEST(Mart, InnerAttackHasItsOwnLossAndAGaussianStart) {
  RecordingSession s = three_pixels();
  loss_of(s);
  EXPECT_FALSE(s.inner.at(0).loss);
  EXPECT_FALSE(s.inner.at(0).training_mode);
  EXPECT_EQ(s.attacks.at(0).plugin, "pgd");
  EXPECT_EQ(s.attacks.at(0).with.at("start"), ParamValue("gaussian"));
  EXPECT_EQ(s.predictions, 0);
}

}  // namespace
}  // namespace gauntlet
