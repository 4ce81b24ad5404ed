#include "analysis/pairs.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <random>
#include <stdexcept>

#include "gauntlet/statistics.h"
#include "results/intervals.h"

namespace gauntlet::analysis {
namespace {

constexpr int64_t kResamples = 2000, kFewImages = 10;
constexpr double kFinest = 1000, kLongestSum = 5000;  // steps of the largest difference, of all
constexpr double kMostTrials = 1024;

/// Two-sided tail of a sum of steps[i], each with a sign of chance: |sum| >= |observed|.
double tail_of_sign_flips(const std::vector<int64_t>& steps, int64_t observed) {
  const int64_t most = std::accumulate(steps.begin(), steps.end(), int64_t{0});
  const auto width = size_t(2 * most + 1);
  std::vector<double> chance(width), next(width);  // of the sum at its place; `most` is 0
  chance[size_t(most)] = 1;
  int64_t reach = 0;
  for (const int64_t step : steps) {
    const int64_t wider = reach + step;
    std::fill(next.begin() + (most - wider), next.begin() + (most + wider + 1), 0.0);
    for (int64_t place = most - reach; place <= most + reach; ++place) {
      const double half = chance[size_t(place)] / 2;
      next[size_t(place - step)] += half;
      next[size_t(place + step)] += half;
    }
    chance.swap(next);
    reach = wider;
  }
  double tail = 0;
  for (int64_t sum = -most; sum <= most; ++sum)
    if (std::abs(sum) >= std::abs(observed)) tail += chance[size_t(most + sum)];
  return std::min(1.0, tail);
}

/// Steps of 1: the largest of which all differences are multiples, as rates of so many trials are;
/// where their sum would be too long, of 1/1000 of the largest difference or more.
double steps_in_one(const std::vector<double>& values, double largest, double total) {
  const auto all_whole = [&](double steps) {
    return std::all_of(values.begin(), values.end(), [&](double d) {
      return std::abs(d * steps - std::round(d * steps)) < 1e-6;
    });
  };
  for (double steps = 1; steps <= kMostTrials && total * steps <= kLongestSum; ++steps)
    if (all_whole(steps)) return steps;
  return std::clamp(std::floor(kLongestSum * largest / total), 1.0, kFinest) / largest;
}

/// On a lattice, on which the distribution of the sum is exact.
double sign_flip_p_value(const std::vector<double>& values) {
  double largest = 0, total = 0;
  for (const double d : values) largest = std::max(largest, std::abs(d)), total += std::abs(d);
  if (largest == 0) return 1;
  const double steps_in = steps_in_one(values, largest, total);
  std::vector<int64_t> steps;
  int64_t observed = 0;
  for (const double d : values) {
    const int64_t step = std::llround(d * steps_in);
    observed += step;
    if (step != 0) steps.push_back(std::abs(step));
  }
  return tail_of_sign_flips(steps, observed);
}

double student_p_value(const std::vector<double>& values, const results::Shared& shared) {
  double sum = 0, squares = 0;
  for (const double d : values) sum += d, squares += d * d;
  const auto n = double(values.size());
  const double over_images = squares / (n * n);
  const double t = std::abs(sum / n) / std::sqrt(over_images + shared.variance);
  return 2 *
         results::student_tail(t, results::freedom_of(over_images, std::max(1.0, n - 1), shared));
}

/// Means of resamples of the images, with what shared draws add. Images of one value are drawn
/// together: their number in a resample is binomial, given those before.
std::vector<double> resampled_means(const std::vector<double>& values,
                                    const results::Shared& draws) {
  std::map<double, int64_t> counts;
  for (const double value : values) ++counts[value];
  std::mt19937_64 random(0);
  // A t deviate: how much shared draws add is itself known from few of them.
  std::student_t_distribution<double> shared(std::clamp(draws.freedom, 1.0, 1e9));
  std::vector<double> means;
  for (int64_t r = 0; r < kResamples; ++r) {
    double sum = 0;
    auto left = int64_t(values.size()), of_rest = left;
    for (const auto& [value, count] : counts) {
      if (left == 0) break;
      const double share = std::min(1.0, double(count) / double(of_rest));
      const int64_t drawn =
          share == 1 ? left : std::binomial_distribution<int64_t>(left, share)(random);
      sum += value * double(drawn);
      left -= drawn, of_rest -= count;
    }
    means.push_back(sum / double(values.size()) + std::sqrt(draws.variance) * shared(random));
  }
  std::sort(means.begin(), means.end());
  return means;
}

/// What one side measured.
struct Measured {
  std::map<int64_t, double> rates;  // by image index, of the images that every record saw
  results::Shared shared;           // what shared draws add to the variance of their mean
};

Measured measured_by(const Side& side, Accuracy accuracy) {
  const bool clean = accuracy == Accuracy::kClean;
  const auto records = double(side.records.size());
  Measured out;
  std::vector<results::Shared> shared;
  std::map<int64_t, std::pair<double, size_t>> sums;
  for (const results::CellRecord* record : side.records) {
    std::vector<int64_t> by_image;
    for (const results::Outcome& outcome : side.outcomes(*record)) {
      by_image.push_back(clean ? outcome.clean_right : outcome.robust_right);
      auto& [sum, seen] = sums[outcome.index];
      sum += double(by_image.back()) / double(record->trials);
      ++seen;
    }
    shared.push_back(
        results::shared_of(clean ? record->clean_by_trial : record->robust_by_trial, by_image));
  }
  out.shared = results::mean_of(shared);  // draws of different records are independent
  for (const auto& [index, sum] : sums)
    if (sum.second == side.records.size()) out.rates[index] = sum.first / records;
  return out;
}
}  // namespace

Pairs pairs_of(const Side& a, const Side& b, Accuracy accuracy) {
  const Measured here = measured_by(a, accuracy), there = measured_by(b, accuracy);
  Pairs out;
  for (const auto& [index, rate] : here.rates)
    if (const auto place = there.rates.find(index); place != there.rates.end()) {
      out.a.push_back(rate);
      out.b.push_back(place->second);
    }
  out.shared = sum_of(here.shared, there.shared);
  return out;
}

std::vector<double> Pairs::differences() const {
  if (a.size() != b.size())
    throw std::invalid_argument("pairs: not one rate of each side for every image");
  std::vector<double> out;
  for (size_t i = 0; i < a.size(); ++i) {
    for (const double rate : {a[i], b[i]})
      if (!(rate >= 0 && rate <= 1)) throw std::invalid_argument("pairs: not a rate");
    out.push_back(b[i] - a[i]);
  }
  return out;
}

PairedTest paired_test(const Pairs& pairs) {
  const std::vector<double> values = pairs.differences();
  if (pairs.shared.variance > 0)
    return {student_p_value(values, pairs.shared), "Student t, shared draws"};
  const auto decided = [](double rate) { return rate == 0 || rate == 1; };
  if (!std::all_of(pairs.a.begin(), pairs.a.end(), decided) ||
      !std::all_of(pairs.b.begin(), pairs.b.end(), decided))
    return {sign_flip_p_value(values), "sign flips"};
  const auto up = std::count(values.begin(), values.end(), 1.0),
             down = std::count(values.begin(), values.end(), -1.0);
  return {binomial_p_value(up, up + down), "McNemar exact"};
}

results::Difference paired_difference(const Pairs& pairs, double level) {
  const std::vector<double> values = pairs.differences();
  if (values.empty()) throw std::invalid_argument("paired_difference: no image");
  if (!(level > 0 && level < 1)) throw std::invalid_argument("level is not between 0 and 1");
  double sum = 0, squares = 0;
  for (const double d : values) sum += d, squares += d * d;
  const double n = double(values.size()), adjusted = n + 2, center = sum / adjusted;
  const double over_images = ((squares + 1) / adjusted - center * center) / adjusted;
  const double se = std::sqrt(over_images + pairs.shared.variance);
  // Agresti and Min's own quantile where images share nothing.
  const bool shared = pairs.shared.variance > 0;
  const double freedom =
      shared ? results::freedom_of(over_images, std::max(1.0, n - 1), pairs.shared) : INFINITY;
  const double half = results::student_quantile(0.5 + level / 2, freedom) * se;
  results::Difference out;
  out.ok = true;
  out.samples = int64_t(values.size());
  out.value = sum / n;
  out.interval = {std::max(-1.0, center - half), std::min(1.0, center + half), level, "image",
                  shared ? "Agresti-Min, Student t, shared draws" : "Agresti-Min"};
  out.p_below = results::student_tail(-center / se, freedom);
  return out;
}

results::Interval difference_interval(const Pairs& pairs, double level) {
  if (!(level > 0 && level < 1)) throw std::invalid_argument("level is not between 0 and 1");
  const std::vector<double> values = pairs.differences();
  const auto differ = std::count_if(values.begin(), values.end(), [](double d) { return d != 0; });
  if (differ < kFewImages) return paired_difference(pairs, level).interval;
  const std::vector<double> means = resampled_means(values, pairs.shared);
  const auto at = [&](double share) {
    return means[size_t(std::llround(share * double(kResamples - 1)))];
  };
  return {at((1 - level) / 2), at((1 + level) / 2), level, "image", "bootstrap over images"};
}

}  // namespace gauntlet::analysis
