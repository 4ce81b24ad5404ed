#include "bundle/chance.h"

#include <algorithm>
#include <cmath>

#include "results/statistics.h"

namespace gauntlet::bundle {
namespace {

double log_choose(int64_t n, int64_t k) {
  return std::lgamma(double(n + 1)) - std::lgamma(double(k + 1)) - std::lgamma(double(n - k + 1));
}

// Variance of an accuracy through its draws alone.
double variance_of(const std::vector<int64_t>& by_image, const std::vector<int64_t>& by_trial,
                   int64_t trials) {
  double sum = 0;
  for (const int64_t right : by_image) {
    // Half an answer is added to each side: an image that was right in all of few trials is not
    // right for certain.
    const double rate = (double(right) + 0.5) / (double(trials) + 1);
    sum += rate * (1 - rate) / double(trials);
  }
  const double images = double(by_image.size());
  return sum / (images * images) + shared_variance(by_trial, by_image);
}
}  // namespace

double fisher_p_value(int64_t a, int64_t n, int64_t b, int64_t m) {
  const int64_t right = a + b, all = n + m;
  const auto log_chance = [&](int64_t k) {
    return log_choose(n, k) + log_choose(m, right - k) - log_choose(all, right);
  };
  const double own = log_chance(a);
  double p = 0;
  for (int64_t k = std::max<int64_t>(0, right - m); k <= std::min(n, right); ++k)
    if (const double other = log_chance(k); other <= own + 1e-9) p += std::exp(other);
  return std::min(1.0, p);
}

double accuracy_p_value(const Counts& counts) {
  if (counts.claimed.empty()) return 1;
  double difference = 0;
  for (size_t i = 0; i < counts.claimed.size(); ++i)
    difference += double(counts.claimed[i] - counts.found[i]);
  difference /= double(counts.claimed.size()) * double(counts.trials);
  const double variance = variance_of(counts.claimed, counts.claimed_by_trial, counts.trials) +
                          variance_of(counts.found, counts.found_by_trial, counts.trials);
  return std::erfc(std::abs(difference) / std::sqrt(2 * variance));
}

}  // namespace gauntlet::bundle
