#include "analysis/statistics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <stdexcept>

#include "results/intervals.h"

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

TEST(OfRates, IsNormalTheoryOverImages) {
  std::vector<double> rates(100, 0.25);
  std::fill(rates.begin() + 50, rates.end(), 0.75);  // mean 0.5, sd sqrt(6.25/99)
  const results::Interval interval = results::of_rates(rates);
  const double half = 1.959963984540054 * std::sqrt(6.25 / 99 / 100);
  EXPECT_NEAR(interval.low, 0.5 - half, 1e-12);
  EXPECT_NEAR(interval.high, 0.5 + half, 1e-12);
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

TEST(SharedVariance, IsWhatTrialsVaryByBeyondTheirImages) {
  // Two trials of 20 images: 10 and 6 right; six images right twice, four once.
  std::vector<int64_t> by_image(20, 0);
  for (size_t i = 0; i < 10; ++i) by_image[i] = i < 6 ? 2 : 1;
  EXPECT_DOUBLE_EQ(results::shared_variance({10, 6}, by_image), (8.0 - 4 * 0.5) / 400 / 2);
  EXPECT_EQ(results::shared_variance({8, 8}, by_image), 0)
      << "less than draws of their own would give";
  EXPECT_EQ(results::shared_variance({8}, by_image), 0);
  EXPECT_EQ(results::shared_variance({}, by_image), 0);
}

TEST(SharedVariance, WidensTheInterval) {
  std::vector<double> rates(100, 0.25);
  rates[0] = 0.75;
  const results::Interval alone = results::of_rates(rates),
                          shared = results::of_rates(rates, 0.0025);
  const double half = (alone.high - alone.low) / 2;
  EXPECT_NEAR((shared.high - shared.low) / 2,
              1.959963984540054 * std::sqrt(std::pow(half / 1.959963984540054, 2) + 0.0025), 1e-9);
  EXPECT_EQ(shared.method, "normal over images and shared draws");
}

}  // namespace
}  // namespace gauntlet
