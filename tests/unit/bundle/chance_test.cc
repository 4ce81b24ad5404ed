// What draws alone explain.
#include "bundle/chance.h"

#include <gtest/gtest.h>

#include <random>

namespace gauntlet::bundle {
namespace {

TEST(Fisher, GivesTheExactChance) {
  EXPECT_NEAR(fisher_p_value(3, 3, 0, 3), 2.0 / 20, 1e-12);  // 2 of the 20 ways to place 3 of 6
  EXPECT_NEAR(fisher_p_value(8, 8, 0, 8), 2.0 / 12870, 1e-12);
  EXPECT_NEAR(fisher_p_value(8, 10, 2, 10), 0.0230141, 1e-6);  // R: fisher.test
  EXPECT_NEAR(fisher_p_value(5, 10, 5, 10), 1, 1e-12);
  EXPECT_NEAR(fisher_p_value(0, 10, 0, 10), 1, 1e-12);
}

Counts drawn(double rate, double other_rate, uint64_t seed) {
  std::mt19937_64 random(seed);
  Counts counts;
  counts.trials = 16;
  for (int i = 0; i < 200; ++i) {
    counts.claimed.push_back(std::binomial_distribution<int64_t>(16, rate)(random));
    counts.found.push_back(std::binomial_distribution<int64_t>(16, other_rate)(random));
  }
  return counts;
}

TEST(AccuracyTest, IsQuietWhereDrawsAloneDiffer) {
  int alarms = 0;
  for (uint64_t seed = 0; seed < 500; ++seed)
    alarms += accuracy_p_value(drawn(0.6, 0.6, seed)) < 0.05;
  EXPECT_LT(alarms, 45);  // 25 expected, sd 4.9
}

TEST(AccuracyTest, FindsTwoPointsInThreeThousandDraws) {
  EXPECT_LT(accuracy_p_value(drawn(0.66, 0.6, 1)), 1e-4);
  Counts edited = drawn(0.6, 0.6, 2);
  edited.found = edited.claimed;
  EXPECT_DOUBLE_EQ(accuracy_p_value(edited), 1);
  for (int64_t& right : edited.claimed) right = 16;
  EXPECT_LT(accuracy_p_value(edited), 1e-12);
}

TEST(AccuracyTest, AllowsForDrawsThatImagesShare) {
  Counts counts = drawn(0.66, 0.6, 1);
  const double apart = accuracy_p_value(counts);
  counts.claimed_by_trial = {90, 170, 100, 160, 95, 165, 105, 155,
                             90, 170, 100, 160, 95, 165, 105, 155};
  counts.found_by_trial = counts.claimed_by_trial;
  EXPECT_GT(accuracy_p_value(counts), apart);
}

}  // namespace
}  // namespace gauntlet::bundle
