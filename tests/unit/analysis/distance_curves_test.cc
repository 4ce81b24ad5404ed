#include "analysis/distance_curves.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <map>
#include <random>

namespace gauntlet {
namespace {

using ::testing::ElementsAre;
using ::testing::Optional;

constexpr double kInfinite = std::numeric_limits<double>::infinity();

results::Outcome image(int64_t index, bool clean, bool robust, double distance) {
  results::Outcome out;
  out.index = index, out.clean_right = clean, out.robust_right = robust, out.distance = distance;
  return out;
}

// One wrong without an attack, three broken, one that withstood, epsilon 0.5.
std::vector<results::Outcome> five_images() {
  return {image(0, false, false, 0.3), image(1, true, false, 0.1), image(2, true, false, 0.2),
          image(3, true, false, 0.4), image(4, true, true, 0)};
}

TEST(Distances, AreOfTheInputsThatCount) {
  EXPECT_THAT(analysis::distances_of(five_images(), 0.5), ElementsAre(0, 0.1, 0.2, 0.4, kInfinite));
  const auto rounded = analysis::distances_of({image(0, true, false, 0.5 + 1e-6)}, 0.5);
  EXPECT_THAT(rounded, ElementsAre(0.5)) << "a ball has its tolerance";
}

TEST(DistanceSteps, AreTheSharesThatLieBeyond) {
  const auto steps = analysis::steps_of({kInfinite, 0.4, 0, 0.2, 0.1});
  ASSERT_EQ(steps.size(), 4u);
  const double epsilons[] = {0, 0.1, 0.2, 0.4}, shares[] = {0.8, 0.6, 0.4, 0.2};
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(steps[i].epsilon, epsilons[i]);
    EXPECT_DOUBLE_EQ(steps[i].accuracy, shares[i]);
  }
  // Wilson's interval of 1 in 5.
  EXPECT_NEAR(steps[3].low, 0.0362, 5e-5);
  EXPECT_NEAR(steps[3].high, 0.6245, 5e-5);
  EXPECT_EQ(analysis::steps_of({0.2, 0.2}).size(), 2u) << "one step for equal distances";
  EXPECT_EQ(analysis::steps_of({kInfinite}).size(), 1u);
}

TEST(MedianDistance, HasTheOrderStatisticsAroundIt) {
  std::vector<double> ten;
  for (int i = 10; i >= 1; --i) ten.push_back(i);
  const analysis::Median median = analysis::median_of(ten);
  EXPECT_EQ(median.value, 5.5);
  EXPECT_EQ(median.low, 2) << "of 10 the second and the ninth, which hold with 97.9 %";
  EXPECT_EQ(median.high, 9);
  const analysis::Median few = analysis::median_of({1, 2, 3});
  EXPECT_EQ(few.value, 2);
  EXPECT_EQ(few.low, 0);
  EXPECT_EQ(few.high, kInfinite);
}

TEST(MedianDistance, IsNotFoundWhereLessThanHalfAreBroken) {
  EXPECT_EQ(analysis::median_of({0.1, 0.2, kInfinite, kInfinite}).value, kInfinite);
  EXPECT_EQ(analysis::median_of({0.1, 0.2, 0.3, kInfinite, kInfinite}).value, 0.3);
  EXPECT_EQ(analysis::median_of({kInfinite, kInfinite}).value, kInfinite) << "no number";
}

// 4,000 rounds of 95 % have a standard error of 0.35 points; the exact coverage of 101 images is
// 95.4 %.
TEST(MedianDistance, IsCoveredAsOftenAsItSays) {
  std::mt19937_64 random(3);
  std::exponential_distribution<double> distances;
  int covered = 0;
  for (int round = 0; round < 4000; ++round) {
    std::vector<double> all(101);
    for (double& one : all) one = distances(random);
    const analysis::Median median = analysis::median_of(all);
    covered += median.low <= std::log(2) && std::log(2) <= median.high;
  }
  EXPECT_GT(covered, 0.94 * 4000);
  EXPECT_LT(covered, 0.97 * 4000);
}

TEST(Optimality, ComparesAreasWithTheBestOfAll) {
  // Best: 0, 0.1, 0.1, 0.4 and none, an area of 0.22 up to 0.5; clean images are worth 0.4.
  const auto both = analysis::optimality_of(
      {{0, 0.1, 0.2, 0.4, kInfinite}, {0, 0.2, 0.1, kInfinite, kInfinite}}, 0.5);
  ASSERT_EQ(both.size(), 2u);
  EXPECT_NEAR(*both[0], 1 - (0.24 - 0.22) / (0.4 - 0.22), 1e-12);
  EXPECT_NEAR(*both[1], 1 - (0.26 - 0.22) / (0.4 - 0.22), 1e-12);
}

TEST(Optimality, ReachesToTheLargestOfTheBestDistances) {
  // All are broken by 0.2 at the latest: what the second does beyond counts as 0.2.
  const auto both = analysis::optimality_of({{0.1, 0.2}, {0.2, 0.4}}, 1);
  EXPECT_EQ(both[0], 1);
  EXPECT_NEAR(*both[1], 1 - (0.2 - 0.15) / (0.2 - 0.15), 1e-12);
}

TEST(Optimality, IsNoneWhereNothingWasFound) {
  for (const auto& one : analysis::optimality_of({{0, kInfinite}, {0, kInfinite}}, 1))
    EXPECT_FALSE(one);
  EXPECT_FALSE(analysis::optimality_of({{0, 0}, {0, 0}}, 1)[0]) << "all are wrong without one";
}

TEST(Optimality, IsExactlyNothingForAnAttackThatFindsNothing) {
  // Sums of tenths round: 31 / 32 * b is not what adding b up 31 times gives.
  for (const double epsilon : {0.1, 0.3, 8 / 255.0, 1.7})
    for (size_t images = 2; images < 200; ++images) {
      std::vector<double> best(images, epsilon), nothing(images, kInfinite);
      best[0] = epsilon / 3, best[1] = nothing[1] = images % 2 ? 0 : epsilon;
      const auto both = analysis::optimality_of({best, nothing}, epsilon);
      EXPECT_EQ(both[0], 1) << images << " images, " << epsilon;
      EXPECT_EQ(both[1], 0) << images << " images, " << epsilon;
    }
}

TEST(Optimality, StaysAShareWhereOneAttackNeedsNoPerturbation) {
  // A right answer that an attack breaks at distance 0 is worth b to the others all the same.
  const auto both = analysis::optimality_of({{0, 0.2, 0.5}, {0.5, kInfinite, kInfinite}}, 0.5);
  EXPECT_EQ(both[0], 1);
  EXPECT_EQ(both[1], 0);
}

class DistanceCurves : public ::testing::Test {
 protected:
  results::CellRecord& add(
      const std::string& attack, std::vector<results::Outcome> outcomes,
      const std::string& parameters = R"({"attack": {"minimal_norm": true}})") {
    results::CellRecord cell;
    cell.identity = std::to_string(cells_.size());
    cell.defense = "plain", cell.attack = attack, cell.threat = {"l2", "l2", 0.5};
    cell.status = results::Status::kOk;
    cell.parameters = parameters;
    cell.outcomes = std::move(outcomes);
    return cells_.emplace_back(cell);
  }
  std::vector<results::DistanceCurve> curves() const {
    return analysis::distance_curves_of(
        cells_, [](const results::CellRecord& cell) { return cell.outcomes; });
  }
  std::vector<results::CellRecord> cells_;
};

TEST_F(DistanceCurves, AreOfMinimalNormAttacksAlone) {
  add("pgd", five_images(), R"({"attack": {"plugin": "pgd"}})");
  add("old", five_images(), "");
  add("ddn", five_images());
  add("right again", five_images(), R"({"attack": {"minimal_norm": true},
      "host": {"goal": {"value": "hypocritical", "default": "untargeted"}}})");
  add("failed", {}).status = results::Status::kError;
  const auto all = curves();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].attack, "ddn");
  EXPECT_EQ(all[0].samples, 5);
  EXPECT_EQ(all[0].steps.size(), 4u);
  EXPECT_THAT(all[0].median, Optional(0.2));
  EXPECT_FALSE(all[0].median_high) << "five images say nothing of it";
  EXPECT_FALSE(all[0].optimality) << "it is alone";
}

TEST_F(DistanceCurves, AreComparedOnTheImagesThatAllSaw) {
  add("ddn", five_images());
  std::vector<results::Outcome> four = five_images();
  four.erase(four.begin() + 1);
  four[1].distance = 0.1;  // instead of 0.2
  add("fab", four);
  const auto all = curves();
  ASSERT_EQ(all.size(), 2u);
  // Best of the four: 0, 0.1, 0.4 and none.
  EXPECT_NEAR(*all[0].optimality, 1 - (1.1 - 1.0) / (1.5 - 1.0), 1e-12);
  EXPECT_THAT(all[1].optimality, Optional(1.0));
}

TEST_F(DistanceCurves, OfOtherRowsAreNotCompared) {
  add("ddn", five_images());
  add("fab", five_images()).seed = 1;
  add("cw", five_images()).defense = "other";
  add("cw", five_images()).threat.epsilon = 0.4;
  for (const results::DistanceCurve& curve : curves()) EXPECT_FALSE(curve.optimality);
}

TEST_F(DistanceCurves, OfRandomizedRowsHaveAReasonInstead) {
  add("ddn", five_images()).stochastic = true;
  add("fab", five_images());
  add("broken", {image(0, true, false, std::nan(""))});
  add("lost", {});
  const auto all = curves();
  ASSERT_EQ(all.size(), 4u);
  EXPECT_NE(all[0].reason.find("randomized"), std::string::npos);
  EXPECT_TRUE(all[0].steps.empty());
  EXPECT_EQ(all[1].reason, "");
  EXPECT_FALSE(all[1].optimality);
  EXPECT_NE(all[2].reason, "");
  EXPECT_NE(all[3].reason, "");
}

}  // namespace
}  // namespace gauntlet
