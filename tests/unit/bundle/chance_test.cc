// What draws alone explain.
#include "bundle/chance.h"

#include <gtest/gtest.h>

#include <algorithm>
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

constexpr int64_t kTrials = 16, kImages = 200;

// Every answer is drawn by itself.
Counts drawn(double rate, uint64_t seed) {
  std::mt19937_64 random(seed);
  Counts counts{{}, kTrials, {}};
  for (int i = 0; i < kImages; ++i)
    counts.by_image.push_back(std::binomial_distribution<int64_t>(kTrials, rate)(random));
  return counts;
}

// The rate of each trial is drawn once for all images, `spread` around `rate`.
Counts sharing(double rate, double spread, uint64_t seed) {
  std::mt19937_64 random(seed);
  Counts counts{std::vector<int64_t>(kImages), kTrials, std::vector<int64_t>(kTrials)};
  for (int64_t& trial : counts.by_trial) {
    const double own = std::clamp(std::normal_distribution<>(rate, spread)(random), 0.0, 1.0);
    for (int64_t& image : counts.by_image) {
      const bool right = std::bernoulli_distribution(own)(random);
      image += right, trial += right;
    }
  }
  return counts;
}

TEST(AccuracyTest, IsQuietWhereDrawsAloneDiffer) {
  int alarms = 0;
  for (uint64_t seed = 0; seed < 1000; seed += 2)
    alarms += accuracy_p_value(drawn(0.6, seed), drawn(0.6, seed + 1)) < 0.05;
  EXPECT_LT(alarms, 45);  // 25 expected, sd 4.9
}

TEST(HalvesTest, IsQuietWhereHalvesAreAlikeAndFindsOnesThatAreNot) {
  int alarms = 0;
  for (uint64_t seed = 0; seed < 1000; ++seed) {
    std::mt19937_64 random(seed);
    Counts whole{{}, kTrials, {}};
    std::vector<int64_t> first;
    for (int i = 0; i < kImages; ++i) {
      std::binomial_distribution<int64_t> half(kTrials / 2, double(i) / kImages);
      first.push_back(half(random));
      whole.by_image.push_back(first.back() + half(random));
    }
    alarms += halves_p_value(whole, first) < 0.05;
  }
  EXPECT_NEAR(alarms, 50, 21);  // three standard deviations
  const Counts equal{std::vector<int64_t>(kImages, 8), kTrials, {}};
  EXPECT_LT(halves_p_value(equal, std::vector<int64_t>(kImages, 0)), 1e-9);
  EXPECT_NEAR(halves_p_value(equal, std::vector<int64_t>(kImages, 4)), 1, 1e-9);
  const Counts all{std::vector<int64_t>(kImages, kTrials), kTrials, {}};
  EXPECT_DOUBLE_EQ(halves_p_value(all, std::vector<int64_t>(kImages, kTrials / 2)), 1);
}

TEST(AccuracyTest, FindsSixPointsInThreeThousandDraws) {
  EXPECT_LT(accuracy_p_value(drawn(0.66, 1), drawn(0.6, 2)), 1e-4);
  const Counts found = drawn(0.6, 3);
  EXPECT_DOUBLE_EQ(accuracy_p_value(found, found), 1);
  Counts edited = found;
  for (int64_t& right : edited.by_image) right = kTrials;
  EXPECT_LT(accuracy_p_value(edited, found), 1e-12);
}

TEST(AccuracyTest, AllowsForDrawsThatImagesShare) {
  int alarms = 0, apart = 0;
  for (uint64_t seed = 0; seed < 1000; seed += 2) {
    Counts claimed = sharing(0.6, 0.1, seed), found = sharing(0.6, 0.1, seed + 1);
    alarms += accuracy_p_value(claimed, found) < 0.05;
    claimed.by_trial.clear(), found.by_trial.clear();
    apart += accuracy_p_value(claimed, found) < 0.05;
  }
  EXPECT_LT(alarms, 45);  // 25 expected, sd 4.9
  EXPECT_GT(apart, 200) << "as if each image had draws of its own";
}

TEST(AccuracyTest, FindsWhatSharedDrawsDoNotExplain) {
  EXPECT_LT(accuracy_p_value(sharing(0.7, 0.01, 1), sharing(0.6, 0.01, 2)), 1e-6);
  // One trial that went astray is no reason to doubt the others.
  Counts claimed = sharing(0.6, 0.01, 3);
  const int64_t lost = claimed.by_trial[0];
  claimed.by_trial[0] = 0;
  for (int64_t i = 0; i < lost; ++i) --claimed.by_image[size_t(i)];
  EXPECT_GT(accuracy_p_value(claimed, sharing(0.6, 0.01, 4)), 0.1);
}

TEST(DifferenceTest, IsStudentsOrNormal) {
  EXPECT_NEAR(difference_p_value(1.959964, 1, INFINITY), 0.05, 1e-6);
  EXPECT_NEAR(difference_p_value(-2 * 2.228139, 4, 10), 0.05, 1e-6);  // a table of Student's t
  EXPECT_EQ(difference_p_value(0, 0, 10), 1);
  EXPECT_EQ(difference_p_value(1, 0, 10), 0);
}

TEST(SpreadTest, IsQuietWhereTrialsAreAlike) {
  int alarms = 0, of_own_draws = 0;
  for (uint64_t seed = 0; seed < 1000; seed += 2) {
    alarms += spread_p_value(sharing(0.6, 0.1, seed), sharing(0.6, 0.1, seed + 1)) < 0.05;
    of_own_draws += spread_p_value(sharing(0.98, 0, seed), sharing(0.98, 0, seed + 1)) < 0.05;
  }
  EXPECT_LT(alarms, 45);
  EXPECT_LT(of_own_draws, 45);
}

TEST(SpreadTest, FindsTrialsThatAreTooMuchAlikeOrTooLittle) {
  const Counts found = sharing(0.6, 0.15, 1);
  Counts even = found;
  std::fill(even.by_trial.begin(), even.by_trial.end(), 120);
  EXPECT_LT(spread_p_value(even, found), 1e-4);
  EXPECT_LT(spread_p_value(found, even), 1e-4);
  const Counts calm = sharing(0.6, 0.05, 1);
  Counts wild = calm;
  for (size_t t = 0; t < wild.by_trial.size(); ++t) wild.by_trial[t] = t % 2 ? 200 : 40;
  EXPECT_LT(spread_p_value(wild, calm), 1e-4);
  Counts astray = found;
  astray.by_trial[3] = 0;
  EXPECT_GT(spread_p_value(astray, found), 0.1) << "one trial that went astray";
  EXPECT_DOUBLE_EQ(spread_p_value(found, found), 1);
  EXPECT_DOUBLE_EQ(spread_p_value(drawn(0.6, 1), drawn(0.6, 2)), 1) << "they share none";
}

}  // namespace
}  // namespace gauntlet::bundle
