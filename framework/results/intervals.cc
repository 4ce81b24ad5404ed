#include "results/intervals.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>

namespace gauntlet::results {
namespace {

void check_counts(int64_t k, int64_t n) {
  if (k < 0 || n < 0 || k > n)
    throw std::invalid_argument(std::to_string(k) + " of " + std::to_string(n) + " is no count");
}

double two_sided_z(double level) {
  if (!(level > 0 && level < 1)) throw std::invalid_argument("level is not between 0 and 1");
  return normal_quantile(0.5 + level / 2);
}

/// Wilson's interval of a share. The share may be a mean of rates: their spread is never above that
/// of hits and misses, so the interval is then too wide rather than too narrow.
Interval wilson_of_share(double share, double n, double level) {
  Interval interval{0, 1, level, "image", "Wilson"};
  const double z = two_sided_z(level);
  if (n == 0) return interval;
  const double scale = 1 + z * z / n;
  const double center = (share + z * z / (2 * n)) / scale;
  const double half = z * std::sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / scale;
  // At the ends the interval touches them exactly; rounding must not say otherwise.
  interval.low = share == 0 ? 0 : std::max(0.0, center - half);
  interval.high = share == 1 ? 1 : std::min(1.0, center + half);
  return interval;
}

}  // namespace

Interval wilson(int64_t k, int64_t n, double level) {
  check_counts(k, n);
  return wilson_of_share(n ? static_cast<double>(k) / n : 0, n, level);
}

Interval of_rates(const std::vector<double>& rates, double shared, double level) {
  const double n = rates.size();
  if (rates.empty()) return wilson_of_share(0, 0, level);
  for (const double rate : rates)
    if (!(rate >= 0 && rate <= 1)) throw std::invalid_argument("of_rates: not a rate");
  const double mean = std::accumulate(rates.begin(), rates.end(), 0.0) / n;
  // Normal theory needs some ten hits and ten misses. Short of that its interval shrinks to nothing
  // (1,000 images that were all right would be "100.0 to 100.0 %").
  if (n * std::min(mean, 1 - mean) < 10)
    return wilson_of_share(std::clamp(mean, 0.0, 1.0), n, level);
  double squares = 0;
  for (const double rate : rates) squares += (rate - mean) * (rate - mean);
  const double half = two_sided_z(level) * std::sqrt(squares / (n - 1) / n + shared);
  return {std::max(0.0, mean - half), std::min(1.0, mean + half), level, "image",
          shared > 0 ? "normal over images and shared draws" : "normal over images"};
}

double shared_variance(const std::vector<int64_t>& by_trial, const std::vector<int64_t>& by_image) {
  const double trials = double(by_trial.size()), images = double(by_image.size());
  if (by_trial.size() < 2 || by_image.empty()) return 0;
  const double mean =
      double(std::accumulate(by_trial.begin(), by_trial.end(), int64_t{0})) / trials;
  double together = 0, apart = 0;  // unbiased variances of a trial's number of right answers
  for (const int64_t right : by_trial)
    together += (double(right) - mean) * (double(right) - mean) / (trials - 1);
  for (const int64_t right : by_image) {
    const double rate = double(right) / trials;
    apart += rate * (1 - rate) * trials / (trials - 1);
  }
  return std::max(0.0, (together - apart) / (images * images) / trials);
}

}  // namespace gauntlet::results
