#include "gauntlet/statistics.h"

#include <boost/math/distributions/binomial.hpp>
#include <boost/math/special_functions/beta.hpp>
#include <boost/math/special_functions/erf.hpp>
#include <cmath>
#include <stdexcept>
#include <string>

namespace gauntlet {
namespace {

void check_counts(int64_t k, int64_t n) {
  if (k < 0 || n < 0 || k > n)
    throw std::invalid_argument(std::to_string(k) + " of " + std::to_string(n) + " is no count");
}

}  // namespace

double normal_quantile(double p) {
  if (!(p > 0 && p < 1)) throw std::invalid_argument("normal_quantile: p is not between 0 and 1");
  return -std::sqrt(2.0) * boost::math::erfc_inv(2 * p);
}

double clopper_pearson_lower(int64_t k, int64_t n, double alpha) {
  check_counts(k, n);
  if (!(alpha > 0 && alpha < 1)) throw std::invalid_argument("alpha is not between 0 and 1");
  if (k == 0) return 0;
  if (k == n) return std::pow(alpha, 1.0 / n);
  return boost::math::ibeta_inv(static_cast<double>(k), static_cast<double>(n - k + 1), alpha);
}

double binomial_p_value(int64_t k, int64_t n) {
  check_counts(k, n);
  const int64_t more = std::max(k, n - k);
  if (n == 0 || 2 * more == n) return 1;
  const boost::math::binomial_distribution<> fair(n, 0.5);
  return std::min(1.0, 2 * cdf(complement(fair, static_cast<double>(more - 1))));
}

}  // namespace gauntlet
