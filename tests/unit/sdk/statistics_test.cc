#include "gauntlet/statistics.h"

#include <gtest/gtest.h>

#include <cmath>
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

}  // namespace
}  // namespace gauntlet
