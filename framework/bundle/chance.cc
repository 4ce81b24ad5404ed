#include "bundle/chance.h"

#include <algorithm>
#include <boost/math/distributions/fisher_f.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <numeric>

#include "results/statistics.h"

namespace gauntlet::bundle {
namespace {

double log_choose(int64_t n, int64_t k) {
  return std::lgamma(double(n + 1)) - std::lgamma(double(k + 1)) - std::lgamma(double(n - k + 1));
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
  return sum / (images * images) + shared_variance(counts.by_trial, counts.by_image);
}

double accuracy_p_value(const Counts& claimed, const Counts& found) {
  if (found.by_image.empty()) return 1;
  const auto right = [](const Counts& counts) {
    return double(std::accumulate(counts.by_image.begin(), counts.by_image.end(), int64_t{0}));
  };
  const double answers = double(found.by_image.size()) * double(found.trials),
               difference = std::abs(right(claimed) - right(found)) / answers;
  if (found.by_trial.empty())
    return std::erfc(difference / std::sqrt(2 * (draws_variance(claimed) + draws_variance(found))));
  // One trial shows nothing of what images share.
  if (found.trials < 2) return 1;
  const boost::math::students_t distribution(double(found.trials - 1));
  return 2 * cdf(complement(distribution, difference / std::sqrt(2 * draws_variance(found))));
}

double spread_p_value(const Counts& claimed, const Counts& found) {
  if (found.by_trial.empty() || found.by_image.empty() || found.trials < 2) return 1;
  const double freedom = double(found.trials - 1);
  const boost::math::fisher_f distribution(freedom, freedom);
  const double ratio = draws_variance(claimed) / draws_variance(found);
  return std::min(1.0,
                  2 * std::min(cdf(distribution, ratio), cdf(complement(distribution, ratio))));
}

}  // namespace gauntlet::bundle
