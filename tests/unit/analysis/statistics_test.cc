#include "analysis/statistics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <stdexcept>

#include "results/intervals.h"
#include "tests/support/drawn_classifier.h"

namespace gauntlet {
namespace {

TEST(Wilson, GivesTheFormulasValues) {
  // Newcombe, Statistics in Medicine 17, 1998, table I: 81 of 263
  const results::Interval interval = results::wilson(81, 263);
  EXPECT_NEAR(interval.low, 0.2553, 5e-5);
  EXPECT_NEAR(interval.high, 0.3662, 5e-5);
  EXPECT_EQ(interval.level, 0.95);
  EXPECT_EQ(interval.unit, "image");
  EXPECT_EQ(interval.method, "Wilson");
}

TEST(Wilson, StaysHonestAtTheEnds) {
  const results::Interval none = results::wilson(0, 100), all = results::wilson(100, 100),
                          empty = results::wilson(0, 0);
  EXPECT_EQ(none.low, 0);
  EXPECT_NEAR(none.high, 0.0369935, 1e-6);
  EXPECT_NEAR(all.low, 1 - 0.0369935, 1e-6);
  EXPECT_EQ(all.high, 1);
  EXPECT_EQ(empty.low, 0);
  EXPECT_EQ(empty.high, 1);
  EXPECT_THROW(results::wilson(-1, 3), std::invalid_argument);
  EXPECT_THROW(results::wilson(1, 3, 1.0), std::invalid_argument);
}

TEST(OfRates, IsStudentsIntervalOverImages) {
  std::vector<double> rates(100, 0.25);
  std::fill(rates.begin() + 50, rates.end(), 0.75);  // mean 0.5, sd sqrt(6.25/99)
  const results::Interval interval = results::of_rates(rates);
  const double half = 1.9842169515 * std::sqrt(6.25 / 99 / 100);  // 99 degrees of freedom
  EXPECT_NEAR(interval.low, 0.5 - half, 1e-9);
  EXPECT_NEAR(interval.high, 0.5 + half, 1e-9);
  EXPECT_EQ(interval.unit, "image");
}

TEST(OfRates, NeverShrinksToNothingWhereAllImagesAgree) {
  const results::Interval interval = results::of_rates(std::vector<double>(1000, 1.0));
  EXPECT_EQ(interval.high, 1);
  EXPECT_LT(interval.low, 0.997);
  EXPECT_GT(interval.low, 0.995);
  EXPECT_EQ(results::of_rates({}).high - results::of_rates({}).low, 1);
  EXPECT_THROW(results::of_rates({0.5, NAN}), std::invalid_argument);
  EXPECT_THROW(results::of_rates({1.5}), std::invalid_argument);
}

// Simulated: images with success rates of their own, five draws each. 2,000 rounds of a 95 %
// interval have a standard error of 0.5 points; 93 to 97.5 allows four of them, and no seed is
// special.
TEST(OfRates, CoversTheTruthAsOftenAsItSays) {
  std::mt19937_64 generator(7);
  std::uniform_real_distribution<double> uniform;
  int covered = 0;
  const int rounds = 2000;
  for (int round = 0; round < rounds; ++round) {
    std::vector<double> rates(200);
    for (double& rate : rates) {
      const double truth = std::pow(uniform(generator), 2);  // mean 1/3
      for (int draw = 0; draw < 5; ++draw) rate += (uniform(generator) < truth) / 5.0;
    }
    const results::Interval interval = results::of_rates(rates);
    covered += interval.low <= 1.0 / 3 && 1.0 / 3 <= interval.high;
  }
  EXPECT_GT(covered, 0.93 * rounds);
  EXPECT_LT(covered, 0.975 * rounds);
}

TEST(Holm, StepsDownAndNeverFalls) {
  const std::vector<double> adjusted = analysis::holm({0.01, 0.04, 0.03, 0.005});
  const double expected[] = {0.03, 0.06, 0.06, 0.02};
  for (size_t i = 0; i < 4; ++i) EXPECT_DOUBLE_EQ(adjusted[i], expected[i]);
  EXPECT_EQ(analysis::holm({0.5, 0.9})[1], 1);
  EXPECT_TRUE(analysis::holm({}).empty());
}

TEST(Shared, IsWhatTrialsVaryByBeyondTheirImages) {
  // Two trials of 20 images: 10 and 6 right; six images right twice, four once.
  std::vector<int64_t> by_image(20, 0);
  for (size_t i = 0; i < 10; ++i) by_image[i] = i < 6 ? 2 : 1;
  const results::Shared shared = results::shared_of({10, 6}, by_image);
  EXPECT_DOUBLE_EQ(shared.variance, (8.0 - 4 * 0.5) / 400 / 2);
  EXPECT_DOUBLE_EQ(shared.freedom, 6.0 * 6 / (8.0 * 8 + 2.0 * 2 / 19));
  EXPECT_EQ(shared.trials, 2);
  EXPECT_EQ(results::shared_of({8, 8}, by_image).variance, 0)
      << "less than draws of their own would give";
  EXPECT_EQ(results::shared_of({8}, by_image).variance, 0);
  EXPECT_EQ(results::shared_of({8}, by_image).trials, 1);
  EXPECT_EQ(results::shared_of({}, by_image).trials, 0);
}

TEST(Shared, OfIndependentPartsAddsVariances) {
  const results::Shared a{0.04, 7, 8}, b{0.01, 3, 4};
  EXPECT_DOUBLE_EQ(sum_of(a, b).variance, 0.05);
  EXPECT_DOUBLE_EQ(sum_of(a, b).freedom, 0.0025 / (0.0016 / 7 + 0.0001 / 3));
  EXPECT_EQ(sum_of(a, b).trials, 4);
  EXPECT_EQ(sum_of(a, {}).trials, 8);
  EXPECT_DOUBLE_EQ(results::mean_of({a, a}).variance, 0.02);
  EXPECT_DOUBLE_EQ(results::mean_of({a, a}).freedom, 14);
}

TEST(Shared, WidensTheIntervalFromEightTrialsOn) {
  std::vector<double> rates(100, 0.25);
  std::fill(rates.begin(), rates.begin() + 20, 0.75);
  const results::Interval alone = results::of_rates(rates),
                          few = results::of_rates(rates, {0.0025, 6.5, 7}),
                          enough = results::of_rates(rates, {0.0025, 7, 8});
  EXPECT_DOUBLE_EQ(few.low, alone.low);
  EXPECT_EQ(few.method, "Student t over images only, given the draws");
  EXPECT_EQ(few.unit, "image");
  EXPECT_EQ(enough.method, "Student t over images and shared draws");
  EXPECT_EQ(enough.unit, "image x draw");
  // The mean is 0.35: 20 rates lie 0.4 above it, 80 lie 0.1 below.
  const double squares = (20 * 0.16 + 80 * 0.01) / 99 / 100;
  const double freedom =
      std::pow(squares + 0.0025, 2) / (squares * squares / 99 + 0.0025 * 0.0025 / 7);
  EXPECT_NEAR((enough.high - enough.low) / 2,
              results::student_quantile(0.975, freedom) * std::sqrt(squares + 0.0025), 1e-12);
}

TEST(Shared, MakesEvenExtremeAccuraciesUncertain) {
  std::vector<double> rates(1000, 1);
  rates[0] = 0.5;
  const results::Interval alone = results::of_rates(rates),
                          shared = results::of_rates(rates, {1e-6, 7, 8});
  EXPECT_LT(shared.low, alone.low);
  EXPECT_LE(shared.high, 1);
  EXPECT_EQ(shared.unit, "image x draw");
}

TEST(Student, HasTheQuantilesOfTables) {
  EXPECT_NEAR(results::student_quantile(0.975, 1), 12.7062, 1e-4);
  EXPECT_NEAR(results::student_quantile(0.975, 7), 2.36462, 1e-5);
  EXPECT_NEAR(results::student_quantile(0.975, INFINITY), 1.959964, 1e-6);
  EXPECT_NEAR(results::student_tail(2.36462, 7), 0.025, 1e-6);
  EXPECT_THROW(results::student_quantile(0.975, 0), std::invalid_argument);
  EXPECT_THROW(results::student_quantile(1, 3), std::invalid_argument);
}

TEST(OverDraws, IsStudentsIntervalOfTheTrials) {
  // Accuracies 0.5, 0.6, 0.7: mean 0.6, standard error 0.1 / sqrt(3), two degrees of freedom.
  const results::Interval interval = results::over_draws({50, 60, 70}, 100);
  EXPECT_NEAR(interval.high - 0.6, 4.30265 * 0.1 / std::sqrt(3.0), 1e-5);
  EXPECT_EQ(interval.unit, "draw");
  EXPECT_THROW(results::over_draws({50}, 100), std::invalid_argument);
}

// 300 measurements of a 95 % interval have a standard error of 1.3 points.
TEST(Coverage, IsWhatIntervalsSay) {
  for (const double shared : {0.15, 0.0})
    for (const int64_t trials : {1, 2, 3, 8, 32}) {
      const auto found = gauntlet::testing::coverage(300, trials, shared);
      EXPECT_GE(found.covered, 0.93) << trials << " " << shared << " " << found.method;
      EXPECT_LE(found.covered, 0.97) << trials << " " << shared << " " << found.method;
      EXPECT_EQ(found.images_only, shared > 0 && trials < 8);
    }
}

}  // namespace
}  // namespace gauntlet
