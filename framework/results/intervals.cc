#include "results/intervals.h"

#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <numeric>
#include <stdexcept>

namespace gauntlet::results {
namespace {

constexpr const char* kNormal = "normal over images";
constexpr const char* kWilson = "Wilson";
constexpr const char* kNormalShared = "normal over images and shared draws";

void check_counts(int64_t k, int64_t n) {
  if (k < 0 || n < 0 || k > n)
    throw std::invalid_argument(std::to_string(k) + " of " + std::to_string(n) + " is no count");
}

void check_level(double level) {
  if (!(level > 0 && level < 1)) throw std::invalid_argument("level is not between 0 and 1");
}

/// Wilson's interval of a share of n images, z standard errors wide. The share may be a mean of
/// rates: their spread is never above that of hits and misses, so the interval is then too wide
/// rather than too narrow.
Interval wilson_of_share(double share, double n, double z, double level) {
  Interval interval{0, 1, level, "image", kWilson};
  if (n == 0) return interval;
  const double scale = 1 + z * z / n;
  const double center = (share + z * z / (2 * n)) / scale;
  const double half = z * std::sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / scale;
  // At the ends the interval touches them exactly; rounding must not say otherwise.
  interval.low = share == 0 ? 0 : std::max(0.0, center - half);
  interval.high = share == 1 ? 1 : std::min(1.0, center + half);
  return interval;
}

double mean_of_rates(const std::vector<double>& rates) {
  for (const double rate : rates)
    if (!(rate >= 0 && rate <= 1)) throw std::invalid_argument("of_rates: not a rate");
  return std::accumulate(rates.begin(), rates.end(), 0.0) / double(rates.size());
}

/// Variance of the mean through the choice of images.
double variance_over_images(const std::vector<double>& rates, double mean) {
  double squares = 0;
  for (const double rate : rates) squares += (rate - mean) * (rate - mean);
  return squares / double(rates.size() - 1) / double(rates.size());
}

/// Normal theory needs some ten hits and ten misses. Short of that its interval shrinks to nothing
/// (1,000 images that were all right would be "100.0 to 100.0 %").
bool is_extreme(double mean, double n) { return n * std::min(mean, 1 - mean) < 10; }

Interval around(double mean, double half, double level, const char* unit, const char* method) {
  return {std::max(0.0, mean - half), std::min(1.0, mean + half), level, unit, method};
}

}  // namespace

double student_quantile(double p, double freedom) {
  if (!(freedom > 0)) throw std::invalid_argument("student_quantile: freedom is not above 0");
  if (std::isinf(freedom) || freedom > 1e9) return normal_quantile(p);
  if (!(p > 0 && p < 1)) throw std::invalid_argument("student_quantile: p is not between 0 and 1");
  return boost::math::quantile(boost::math::students_t(freedom), p);
}

double student_tail(double t, double freedom) {
  if (std::isinf(freedom) || freedom > 1e9) return std::erfc(t / std::sqrt(2.0)) / 2;
  return cdf(complement(boost::math::students_t(freedom), t));
}

Shared shared_of(const std::vector<int64_t>& by_trial, const std::vector<int64_t>& by_image) {
  Shared out;
  out.trials = int64_t(by_trial.size());
  const double trials = double(by_trial.size()), images = double(by_image.size());
  if (by_trial.size() < 2 || by_image.empty()) return out;
  const double mean =
      double(std::accumulate(by_trial.begin(), by_trial.end(), int64_t{0})) / trials;
  double together = 0, apart = 0;  // unbiased variances of a trial's number of right answers
  for (const int64_t right : by_trial)
    together += (double(right) - mean) * (double(right) - mean) / (trials - 1);
  for (const int64_t right : by_image) {
    const double rate = double(right) / trials;
    apart += rate * (1 - rate) * trials / (trials - 1);
  }
  if (together <= apart) return out;
  const double scale = images * images * trials;
  out.variance = (together - apart) / scale;
  // Of a mean square with so many degrees of freedom the variance is 2 square / freedom.
  const double parts = together * together / (trials - 1) +
                       apart * apart / ((trials - 1) * std::max(1.0, images - 1));
  out.freedom = (together - apart) * (together - apart) / parts;
  return out;
}

double freedom_of(double variance, double freedom, const Shared& shared) {
  const double whole = variance + shared.variance;
  const double parts =
      variance * variance / freedom +
      (shared.variance > 0 ? shared.variance * shared.variance / shared.freedom : 0);
  return parts > 0 ? std::max(1.0, whole * whole / parts) : INFINITY;
}

Shared sum_of(const Shared& a, const Shared& b) {
  const double variance = a.variance + b.variance;
  const int64_t fewer = a.trials == 0   ? b.trials
                        : b.trials == 0 ? a.trials
                                        : std::min(a.trials, b.trials);
  if (variance == 0) return {0, std::numeric_limits<double>::infinity(), fewer};
  const double parts = a.variance * a.variance / a.freedom + b.variance * b.variance / b.freedom;
  return {variance, variance * variance / parts, fewer};
}

Shared mean_of(const std::vector<Shared>& parts) {
  Shared out;
  int64_t trials = 0;
  const auto n = double(parts.size());
  for (Shared part : parts) {
    part.variance /= n * n;
    trials += part.trials;
    out = sum_of(out, part);
  }
  out.trials = trials;
  return out;
}

Interval wilson(int64_t k, int64_t n, double level) {
  check_counts(k, n);
  check_level(level);
  return wilson_of_share(n ? double(k) / double(n) : 0, double(n), normal_quantile(0.5 + level / 2),
                         level);
}

Interval of_rates(const std::vector<double>& rates, const Shared& shared, double level) {
  check_level(level);
  if (rates.empty()) return wilson_of_share(0, 0, 0, level);
  const double n = double(rates.size()), mean = std::clamp(mean_of_rates(rates), 0.0, 1.0);
  const bool with_draws = shared.trials >= kLeastSharedTrials,
             without = shared.trials > 0 && !with_draws;
  const Shared draws = with_draws ? shared : Shared{};
  if (is_extreme(mean, n)) {
    // As many images as would have the variance of hits and misses, and of shared draws.
    const double hits = mean * (1 - mean) / n, variance = hits + draws.variance;
    const bool wider = hits > 0 && draws.variance > 0;
    const double z = wider ? student_quantile(0.5 + level / 2, freedom_of(hits, INFINITY, draws))
                           : normal_quantile(0.5 + level / 2);
    Interval out = wilson_of_share(mean, wider ? n * hits / variance : n, z, level);
    if (with_draws) out.unit = "image x draw", out.method = "Wilson over images and shared draws";
    if (without) out.method = "Wilson over images only, given the draws";
    return out;
  }
  const double over = variance_over_images(rates, mean), variance = over + draws.variance;
  const double half =
      variance > 0
          ? student_quantile(0.5 + level / 2, freedom_of(over, n - 1, draws)) * std::sqrt(variance)
          : 0;
  return around(mean, half, level, with_draws ? "image x draw" : "image",
                with_draws ? "Student t over images and shared draws"
                : without  ? "Student t over images only, given the draws"
                           : "Student t over images");
}

Interval over_draws(const std::vector<int64_t>& by_trial, int64_t images, double level) {
  check_level(level);
  const auto trials = double(by_trial.size());
  if (by_trial.size() < 2 || images < 1)
    throw std::invalid_argument("over_draws: fewer than two trials, or no image");
  std::vector<double> accuracies;
  for (const int64_t right : by_trial) accuracies.push_back(double(right) / double(images));
  const double mean = mean_of_rates(accuracies);
  const double half = student_quantile(0.5 + level / 2, trials - 1) *
                      std::sqrt(variance_over_images(accuracies, mean));
  return around(mean, half, level, "draw", "Student t over shared draws");
}

Interval normal_of_rates(const std::vector<double>& rates, double shared, double level) {
  check_level(level);
  const double z = normal_quantile(0.5 + level / 2);
  if (rates.empty()) return wilson_of_share(0, 0, z, level);
  const double n = double(rates.size()), mean = mean_of_rates(rates);
  if (is_extreme(mean, n)) return wilson_of_share(std::clamp(mean, 0.0, 1.0), n, z, level);
  const double half = z * std::sqrt(variance_over_images(rates, mean) + shared);
  return around(mean, half, level, "image", shared > 0 ? kNormalShared : kNormal);
}

bool is_normal_rule(const Interval& interval) {
  return interval.method == kNormal || interval.method == kNormalShared ||
         interval.method == kWilson;
}

}  // namespace gauntlet::results
