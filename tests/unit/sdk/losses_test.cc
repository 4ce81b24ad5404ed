#include "gauntlet/losses.h"

#include <gtest/gtest.h>

#include <cmath>

namespace gauntlet {
namespace {

Tensor logits(std::vector<float> values, int64_t classes) {
  return torch::tensor(values).view({-1, classes});
}
Tensor labels(std::vector<int64_t> values) { return torch::tensor(values, torch::kLong); }
Rows rows_of(std::vector<int64_t> y, std::vector<int64_t> target = {}) {
  const auto n = int64_t(y.size());
  return {torch::arange(n), labels(std::move(y)), target.empty() ? Tensor{} : labels(target)};
}
double first(const Tensor& t) { return t[0].item<double>(); }
constexpr double kRounding = 1e-6;  // logits of a few units in float

TEST(Losses, CrossEntropyIsMinusTheLogProbability) {
  const Outputs out{logits({0, std::log(3.f)}, 2), {}};  // probabilities 1/4 and 3/4
  EXPECT_NEAR(first(cross_entropy(Goal::kUntargeted)(out, rows_of({0}))), std::log(4.0), kRounding);
  EXPECT_NEAR(first(cross_entropy(Goal::kTargeted)(out, rows_of({0}, {1}))), std::log(0.75),
              kRounding);
  EXPECT_NEAR(first(cross_entropy(Goal::kHypocritical)(out, rows_of({0}))), std::log(0.25),
              kRounding);
}

TEST(Losses, MarginIsPositiveExactlyWhereTheGoalIsReached) {
  const Outputs out{logits({1, 3, 2.5, 1, 3, 2.5}, 3), {}};
  const Tensor away = margin(Goal::kUntargeted)(out, rows_of({0, 1}));
  EXPECT_TRUE(torch::allclose(away, torch::tensor({2.f, -0.5f})));
  const Tensor to = margin(Goal::kTargeted)(out, rows_of({0, 0}, {1, 2}));
  EXPECT_TRUE(torch::allclose(to, torch::tensor({0.5f, -0.5f})));
  const Tensor back = margin(Goal::kHypocritical)(out, rows_of({0, 1}));
  EXPECT_TRUE(torch::allclose(back, torch::tensor({-2.f, 0.5f})));
}

TEST(Losses, MarginOfARefusedRowIsNotPositive) {
  const Outputs out{logits({1, 3, 1, 3, 3, 1}, 2), torch::tensor({0.2f, -0.4f, -9.f})};
  const Tensor gap = margin(Goal::kUntargeted)(out, rows_of({0, 0, 0}));
  EXPECT_TRUE(torch::allclose(gap, torch::tensor({-0.2f, 0.4f, -2.f})));
}

TEST(Losses, MarginWorksWithTwoClasses) {
  const Outputs out{logits({1, 3}, 2), {}};
  EXPECT_EQ(first(margin(Goal::kUntargeted)(out, rows_of({0}))), 2);
  EXPECT_EQ(first(margin(Goal::kTargeted)(out, rows_of({0}, {1}))), 2);
}

TEST(Losses, DlrIsTheMarginInUnitsOfTheLogitsSpread) {
  const Outputs out{logits({5, 3, 2, 1}, 4), {}};
  EXPECT_NEAR(first(dlr(Goal::kUntargeted)(out, rows_of({0}))), -2.0 / 3, kRounding);
  EXPECT_NEAR(first(dlr(Goal::kUntargeted)(out, rows_of({1}))), 2.0 / 3, kRounding);
  EXPECT_NEAR(first(dlr(Goal::kHypocritical)(out, rows_of({1}))), -2.0 / 3, kRounding);
  // (z_t - z_y) / (z_1 - (z_3 + z_4) / 2)
  EXPECT_NEAR(first(dlr(Goal::kTargeted)(out, rows_of({0}, {1}))), -2 / 3.5, kRounding);
}

TEST(Losses, DlrDoesNotChangeWhenLogitsAreScaledOrShifted) {
  const Tensor z = logits({5, 3, 2, 1, 0.5, 2, 4, -1}, 4);
  for (const Goal goal : {Goal::kUntargeted, Goal::kTargeted}) {
    const Rows rows = rows_of({0, 1}, {2, 3});
    EXPECT_TRUE(torch::allclose(dlr(goal)({z, {}}, rows), dlr(goal)({7 * z - 3, {}}, rows), 1e-5));
    EXPECT_TRUE(torch::allclose(dlr(goal)({z, {}}, rows), dlr(goal)({1e-20 * z, {}}, rows), 1e-5));
  }
}

TEST(Losses, DlrNeedsThreeClassesFourIfTargeted) {
  const Outputs two{logits({1, 2}, 2), {}}, three{logits({1, 2, 3}, 3), {}};
  EXPECT_THROW(dlr(Goal::kUntargeted)(two, rows_of({0})), std::invalid_argument);
  EXPECT_THROW(dlr(Goal::kTargeted)(three, rows_of({0}, {1})), std::invalid_argument);
  EXPECT_NEAR(first(dlr(Goal::kUntargeted)(three, rows_of({2}))), -0.5, kRounding);
}

TEST(Losses, ReadLabelsFromTheRows) {
  const Tensor z = logits({1, 3, 2.5, 7, 0, 1}, 3);
  const Rows rows = rows_of({0, 1}, {2, 0});
  const Tensor order = labels({1, 0, 1});
  const Rows moved{order, rows.y.index_select(0, order), rows.target.index_select(0, order)};
  for (Loss (*make)(Goal) : {cross_entropy, margin})
    for (const Goal goal : {Goal::kUntargeted, Goal::kTargeted, Goal::kHypocritical})
      EXPECT_TRUE(torch::equal(make(goal)({z.index_select(0, order), {}}, moved),
                               make(goal)({z, {}}, rows).index_select(0, order)));
}

TEST(Losses, KlDivergenceByHand) {
  const Tensor p = torch::tensor({0.5f, 0.5f}).view({1, 2});
  const Tensor q = logits({std::log(0.25f), std::log(0.75f)}, 2);
  EXPECT_NEAR(first(kl_divergence(p, q)), 0.5 * std::log(2.0) + 0.5 * std::log(2.0 / 3), kRounding);
  EXPECT_NEAR(first(kl_divergence(logits({0, 1}, 2), q)), -std::log(0.75), kRounding);  // 0 log 0
  EXPECT_NEAR(first(kl_divergence(q.softmax(1), q)), 0, kRounding);
}

TEST(Losses, SoftCrossEntropyByHand) {
  const Tensor p = torch::tensor({0.5f, 0.5f}).view({1, 2});
  const Tensor q = logits({std::log(0.25f), std::log(0.75f)}, 2);
  EXPECT_NEAR(first(soft_cross_entropy(p, q)), -0.5 * std::log(0.25) - 0.5 * std::log(0.75),
              kRounding);
  EXPECT_NEAR(first(soft_cross_entropy(logits({0, 1}, 2), q)), -std::log(0.75), kRounding);
  // The gradient in the logits is softmax(logits) - p.
  const Tensor z = q.clone().requires_grad_(true);
  soft_cross_entropy(p, z).sum().backward();
  EXPECT_TRUE(torch::allclose(z.grad(), torch::tensor({-0.25f, 0.25f}).view({1, 2}), 1e-5, 1e-6));
}

}  // namespace
}  // namespace gauntlet
