#include "results/statistics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <stdexcept>

namespace gauntlet {
namespace {

TEST(NormalQuantile, AgreesWithTables) {
  EXPECT_NEAR(normal_quantile(0.975), 1.959963984540054, 1e-14);
  EXPECT_EQ(normal_quantile(0.5), 0);
  EXPECT_NEAR(normal_quantile(1e-300), -37.0471, 1e-4);  // the far tail keeps its digits
  EXPECT_THROW(normal_quantile(0), std::invalid_argument);
  EXPECT_THROW(normal_quantile(1), std::invalid_argument);
  EXPECT_THROW(normal_quantile(NAN), std::invalid_argument);
}

// Certification numbers of Cohen et al.'s procedure, computed exactly; given to the digits shown.
TEST(ClopperPearson, GivesTheReferenceBounds) {
  struct Row {
    int64_t n, k;
    double p, quantile;
  };
  for (const Row& row : {Row{100, 100, 0.933254, 1.50048}, Row{1000, 1000, 0.993116, 2.46326},
                         Row{100000, 100000, 0.999931, 3.81146}, Row{1000, 900, 0.867464, 1.11448},
                         Row{1000, 560, 0.510716, 0.02686}, Row{1000, 520, 0.470674, -0.07358}}) {
    const double p = clopper_pearson_lower(row.k, row.n, 0.001);
    EXPECT_NEAR(p, row.p, 5e-7) << row.k << " of " << row.n;
    EXPECT_NEAR(normal_quantile(p), row.quantile, 6e-6) << row.k << " of " << row.n;
  }
  EXPECT_EQ(clopper_pearson_lower(0, 100, 0.001), 0);
}

// The bound is where k or more hits have probability alpha: checked by summing the binomial itself.
TEST(ClopperPearson, LeavesAlphaInTheTail) {
  for (const auto& [k, n] : {std::pair{1, 7}, {6, 7}, {3, 40}, {39, 40}}) {
    const double p = clopper_pearson_lower(k, n, 0.05);
    double tail = 0;
    for (int i = k; i <= n; ++i)
      tail += std::exp(std::lgamma(n + 1) - std::lgamma(i + 1) - std::lgamma(n - i + 1) +
                       i * std::log(p) + (n - i) * std::log1p(-p));
    EXPECT_NEAR(tail, 0.05, 1e-10) << k << " of " << n;
  }
}

TEST(BinomialTest, GivesTheReferenceValues) {
  EXPECT_NEAR(binomial_p_value(8, 10), 0.109375, 1e-12);
  EXPECT_NEAR(binomial_p_value(2, 10), 0.109375, 1e-12);  // two-sided
  EXPECT_NEAR(binomial_p_value(10, 10), 0.001953125, 1e-12);
  EXPECT_NEAR(binomial_p_value(60, 100), 0.0568879, 5e-8);
  EXPECT_NEAR(binomial_p_value(70, 100), 7.850e-5, 5e-9);
  EXPECT_EQ(binomial_p_value(5, 10), 1);
  EXPECT_EQ(binomial_p_value(0, 0), 1);
  EXPECT_THROW(binomial_p_value(3, 2), std::invalid_argument);
}

TEST(Wilson, GivesTheFormulasValues) {
  // Newcombe, Statistics in Medicine 17, 1998, table I: 81 of 263
  const Interval interval = wilson(81, 263);
  EXPECT_NEAR(interval.low, 0.2553, 5e-5);
  EXPECT_NEAR(interval.high, 0.3662, 5e-5);
  EXPECT_EQ(interval.level, 0.95);
  EXPECT_EQ(interval.unit, "image");
  EXPECT_EQ(interval.method, "Wilson");
}

TEST(Wilson, StaysHonestAtTheEnds) {
  const Interval none = wilson(0, 100), all = wilson(100, 100), empty = wilson(0, 0);
  EXPECT_EQ(none.low, 0);
  EXPECT_NEAR(none.high, 0.0369935, 1e-6);
  EXPECT_NEAR(all.low, 1 - 0.0369935, 1e-6);
  EXPECT_EQ(all.high, 1);
  EXPECT_EQ(empty.low, 0);
  EXPECT_EQ(empty.high, 1);
  EXPECT_THROW(wilson(-1, 3), std::invalid_argument);
  EXPECT_THROW(wilson(1, 3, 1.0), std::invalid_argument);
}

TEST(OfRates, IsNormalTheoryOverImages) {
  std::vector<double> rates(100, 0.25);
  std::fill(rates.begin() + 50, rates.end(), 0.75);  // mean 0.5, sd sqrt(6.25/99)
  const Interval interval = of_rates(rates);
  const double half = 1.959963984540054 * std::sqrt(6.25 / 99 / 100);
  EXPECT_NEAR(interval.low, 0.5 - half, 1e-12);
  EXPECT_NEAR(interval.high, 0.5 + half, 1e-12);
  EXPECT_EQ(interval.unit, "image");
}

TEST(OfRates, NeverShrinksToNothingWhereAllImagesAgree) {
  const Interval interval = of_rates(std::vector<double>(1000, 1.0));
  EXPECT_EQ(interval.high, 1);
  EXPECT_LT(interval.low, 0.997);
  EXPECT_GT(interval.low, 0.995);
  EXPECT_EQ(of_rates({}).high - of_rates({}).low, 1);
  EXPECT_THROW(of_rates({0.5, NAN}), std::invalid_argument);
  EXPECT_THROW(of_rates({1.5}), std::invalid_argument);
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
    const Interval interval = of_rates(rates);
    covered += interval.low <= 1.0 / 3 && 1.0 / 3 <= interval.high;
  }
  EXPECT_GT(covered, 0.93 * rounds);
  EXPECT_LT(covered, 0.975 * rounds);
}

}  // namespace
}  // namespace gauntlet
