// Figures of detectors and of hypocritical attacks, against counts made by hand.
#include "analysis/derived_figures.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "results/intervals.h"

namespace gauntlet::analysis {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// An image for each score; those whose attacked score is left out were not changed.
results::CellRecord scored(const std::vector<double>& clean,
                           const std::vector<std::optional<double>>& attacked) {
  results::CellRecord record;
  record.status = results::Status::kOk;
  for (size_t i = 0; i < clean.size(); ++i) {
    results::Outcome& one = record.outcomes.emplace_back();
    one.index = int64_t(i), one.distance = attacked[i] ? 0.1 : 0;
    record.scores.clean.push_back(clean[i]);
    record.scores.attacked.push_back(attacked[i].value_or(clean[i]));
  }
  return record;
}

TEST(Detector, AreaIsTheShareOfPairsInTheRightOrder) {
  // 3 lies above 1 and 2, 2 above 1 and beside 2: 2 + 1.5 of 4 pairs.
  const auto figures = detector_figures(scored({1, 2}, {3, 2}));
  ASSERT_TRUE(figures);
  EXPECT_EQ(figures->clean_images, 2);
  EXPECT_EQ(figures->attacked_images, 2);
  EXPECT_DOUBLE_EQ(figures->auc, 3.5 / 4);
  EXPECT_DOUBLE_EQ(detector_figures(scored({1, 1}, {1, 1}))->auc, 0.5);
  EXPECT_DOUBLE_EQ(detector_figures(scored({3, 4}, {1, 2}))->auc, 0);
}

TEST(Detector, OnlyWhatTheAttackChangedIsAttacked) {
  const auto figures = detector_figures(scored({1, 2, 5}, {4, std::nullopt, std::nullopt}));
  ASSERT_TRUE(figures);
  EXPECT_EQ(figures->clean_images, 3) << "also those that it left as they were";
  EXPECT_EQ(figures->attacked_images, 1);
  EXPECT_DOUBLE_EQ(figures->auc, 2.0 / 3);
  EXPECT_FALSE(detector_figures(scored({1, 2}, {std::nullopt, std::nullopt})));
}

TEST(Detector, WithoutScoresHasNoFigures) {
  results::CellRecord record = scored({1, 2}, {3, 4});
  record.scores = {};
  EXPECT_FALSE(detector_figures(record));
  EXPECT_FALSE(detector_figures(results::CellRecord()));
}

TEST(Detector, RatesAreOfTheLeastThresholdThatRefusesSoFewCleanInputs) {
  std::vector<double> clean;
  std::vector<std::optional<double>> attacked;
  for (int i = 0; i < 200; ++i) clean.push_back(i), attacked.emplace_back(i + 100.5);
  const auto figures = detector_figures(scored(clean, attacked));
  ASSERT_TRUE(figures);
  ASSERT_EQ(figures->at.size(), 2u);
  // 198 and 199 lie above 197; of 100.5, …, 299.5 those from 197.5 on: 103.
  EXPECT_DOUBLE_EQ(figures->at[0].false_positive_rate, 0.01);
  EXPECT_EQ(figures->at[0].false_positives, 2);
  EXPECT_EQ(figures->at[0].true_positives, 103);
  EXPECT_DOUBLE_EQ(figures->at[0].true_positive_rate, 103.0 / 200);
  EXPECT_DOUBLE_EQ(figures->at[0].interval.low, results::wilson(103, 200).low);
  EXPECT_DOUBLE_EQ(figures->at[0].interval.high, results::wilson(103, 200).high);
  // Ten lie above 189; those from 189.5 on are 111.
  EXPECT_DOUBLE_EQ(figures->at[1].false_positive_rate, 0.05);
  EXPECT_EQ(figures->at[1].false_positives, 10);
  EXPECT_EQ(figures->at[1].true_positives, 111);
}

TEST(Detector, WhatLiesOnAThresholdIsNotRefused) {
  // One percent of ten images is none, so the threshold is the largest clean score.
  const auto figures =
      detector_figures(scored({0, 0, 0, 0, 0, 0, 0, 0, 7, 7}, {7, 7, 7, 8, 8, 1, 1, 1, 1, 1}));
  ASSERT_TRUE(figures);
  EXPECT_EQ(figures->at[0].false_positives, 0);
  EXPECT_EQ(figures->at[0].true_positives, 2) << "the two of 8";
  // 20 images, of which 5 percent is one; but two share the largest score.
  std::vector<double> clean(20, 0.0);
  clean[3] = clean[4] = 7;
  const auto tied = detector_figures(scored(clean, std::vector<std::optional<double>>(20, 7.0)));
  EXPECT_EQ(tied->at[1].false_positives, 0) << "never more than five percent";
  EXPECT_EQ(tied->at[1].true_positives, 0);
}

TEST(Detector, WhatIsNotFiniteHasItsPlaceInTheOrder) {
  const auto figures = detector_figures(
      scored({-kInfinity, 0, 1, kInfinity}, {kInfinity, std::nan(""), -kInfinity, 0.5}));
  ASSERT_TRUE(figures);
  // Each of the two largest lies above three and beside one, the least beside one, 0.5 above two.
  EXPECT_DOUBLE_EQ(figures->auc, (3.5 + 3.5 + 0.5 + 2) / 16);
  EXPECT_EQ(figures->at[1].true_positives, 0) << "nothing lies above infinity";
}

results::CellRecord hypocritical(int64_t trials,
                                 const std::vector<std::pair<int64_t, int64_t>>& right) {
  results::CellRecord record;
  record.status = results::Status::kOk, record.trials = trials;
  record.parameters = R"({"host": {"goal": {"value": "hypocritical", "default": "untargeted"}}})";
  for (const auto& [clean, attacked] : right) {
    results::Outcome& one = record.outcomes.emplace_back();
    one.clean_right = clean, one.robust_right = attacked;
  }
  return record;
}

TEST(HypocriticalRisk, IsTheShareOfWrongImagesThatAreMadeRight) {
  // Of five images three are wrong, and two of these turn right. What was right counts nowhere.
  const auto risk = hypocritical_risk(hypocritical(1, {{1, 1}, {1, 0}, {0, 1}, {0, 1}, {0, 0}}));
  ASSERT_TRUE(risk);
  EXPECT_EQ(risk->images, 3);
  EXPECT_DOUBLE_EQ(risk->risk, 2.0 / 3);
  EXPECT_DOUBLE_EQ(risk->interval.low, results::wilson(2, 3).low);
  EXPECT_EQ(risk->interval.method, results::wilson(2, 3).method);
}

TEST(HypocriticalRisk, OfARandomDefenseIsOfImagesThatAreMostlyWrong) {
  // Of four trials, 2 and 3 right ones are not mostly wrong; 1 and 0 are, with 3 and 2 right then.
  const auto risk = hypocritical_risk(hypocritical(4, {{2, 4}, {3, 4}, {1, 3}, {0, 2}}));
  ASSERT_TRUE(risk);
  EXPECT_EQ(risk->images, 2);
  EXPECT_DOUBLE_EQ(risk->risk, (0.75 + 0.5) / 2);
  EXPECT_DOUBLE_EQ(risk->interval.high, results::of_rates({0.75, 0.5}).high);
}

TEST(HypocriticalRisk, IsAbsentWithoutAWrongImageOrThatGoal) {
  EXPECT_FALSE(hypocritical_risk(hypocritical(1, {{1, 1}, {1, 1}})));
  results::CellRecord other = hypocritical(1, {{0, 1}});
  other.parameters = R"({"host": {"goal": {"value": "untargeted", "default": "untargeted"}}})";
  EXPECT_FALSE(hypocritical_risk(other));
  other.parameters = "";
  EXPECT_FALSE(hypocritical_risk(other));
}

}  // namespace
}  // namespace gauntlet::analysis
