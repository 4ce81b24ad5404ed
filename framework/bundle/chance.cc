#include "bundle/chance.h"

#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <numeric>

#include "results/intervals.h"

namespace gauntlet::bundle {
namespace {

double log_choose(int64_t n, int64_t k) {
  return std::lgamma(double(n + 1)) - std::lgamma(double(k + 1)) - std::lgamma(double(n - k + 1));
}

struct MeanAndVariance {
  double mean = 0, variance = 0;
};

MeanAndVariance distance_from_median(std::vector<int64_t> counts) {
  std::sort(counts.begin(), counts.end());
  const size_t n = counts.size();
  const double median = (double(counts[(n - 1) / 2]) + double(counts[n / 2])) / 2;
  MeanAndVariance out;
  for (const int64_t count : counts) out.mean += std::abs(double(count) - median) / double(n);
  for (const int64_t count : counts) {
    const double off = std::abs(double(count) - median) - out.mean;
    out.variance += off * off / double(n - 1);
  }
  return out;
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

double draws_variance(const Counts& counts) {
  if (counts.by_image.empty()) return 0;
  double sum = 0;
  for (const int64_t right : counts.by_image) {
    // Half an answer is added to each side: an image that was right in all of few trials is not
    // right for certain.
    const double rate = (double(right) + 0.5) / (double(counts.trials) + 1);
    sum += rate * (1 - rate) / double(counts.trials);
  }
  const double images = double(counts.by_image.size());
  return sum / (images * images) + results::shared_of(counts.by_trial, counts.by_image).variance;
}

double difference_p_value(double difference, double variance, double freedom) {
  if (!(variance > 0)) return difference == 0 ? 1 : 0;
  const double t = std::abs(difference) / std::sqrt(variance);
  if (std::isinf(freedom)) return std::erfc(t / std::sqrt(2.0));
  return 2 * cdf(complement(boost::math::students_t(freedom), t));
}

double accuracy_p_value(const Counts& claimed, const Counts& found) {
  if (found.by_image.empty()) return 1;
  const bool shared = !found.by_trial.empty();
  if (shared && found.trials < 2) return 1;
  const auto right = [](const Counts& counts) {
    return double(std::accumulate(counts.by_image.begin(), counts.by_image.end(), int64_t{0}));
  };
  const double answers = double(found.by_image.size()) * double(found.trials);
  return difference_p_value((right(claimed) - right(found)) / answers,
                            draws_variance(claimed) + draws_variance(found),
                            shared ? 2 * double(found.trials - 1) : INFINITY);
}

double halves_p_value(const Counts& whole, const std::vector<int64_t>& first) {
  const auto n = double(whole.trials), half = double(whole.trials / 2);
  double off = 0, variance = 0;  // hypergeometric
  for (size_t i = 0; i < first.size(); ++i) {
    const double rate = double(whole.by_image[i]) / n;
    off += double(first[i]) - half * rate;
    if (n > 1) variance += half * rate * (1 - rate) * (n - half) / (n - 1);
  }
  return difference_p_value(off, variance, INFINITY);
}

double spread_p_value(const Counts& claimed, const Counts& found) {
  if (found.by_trial.size() < 2 || claimed.by_trial.size() < 2) return 1;
  const auto [one, one_variance] = distance_from_median(claimed.by_trial);
  const auto [other, other_variance] = distance_from_median(found.by_trial);
  return difference_p_value(one - other,
                            one_variance / double(claimed.by_trial.size()) +
                                other_variance / double(found.by_trial.size()),
                            double(claimed.by_trial.size() + found.by_trial.size() - 2));
}

}  // namespace gauntlet::bundle
