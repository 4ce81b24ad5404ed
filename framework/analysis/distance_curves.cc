#include "analysis/distance_curves.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>

#include "results/intervals.h"
#include "results/leaf.h"

namespace gauntlet::analysis {
namespace {

using results::CellRecord;
using results::DistanceCurve;

constexpr double kUnbroken = std::numeric_limits<double>::infinity();
constexpr const char* kRandomized =
    "the defense is randomized: an image is broken by a share of its draws, at no one distance";
constexpr const char* kNoDistances = "the record holds distances that are none";

/// Area under the curve from 0 to b.
double area(const std::vector<double>& distances, double b) {
  double sum = 0;
  for (const double d : distances) sum += std::min(d, b);
  return sum / double(distances.size());
}

/// Largest r for which at most (1 - level) / 2 of all samples of n have fewer than r values below
/// their median; 0: there is none.
int64_t order_of_bound(int64_t n, double level) {
  const double log_half = std::log(0.5), count = double(n);
  double below = 0;
  for (int64_t k = 0; k < n; ++k) {
    const double hits = double(k);
    below += std::exp(std::lgamma(count + 1) - std::lgamma(hits + 1) -
                      std::lgamma(count - hits + 1) + count * log_half);
    if (below > (1 - level) / 2) return k;
  }
  return 0;
}

std::optional<double> if_found(double distance) {
  return std::isfinite(distance) ? std::optional(distance) : std::nullopt;
}

bool is_distance(double value) { return std::isfinite(value) && value >= 0; }

/// A cell's distances by the index of the image.
using ByImage = std::map<int64_t, double>;

DistanceCurve curve_of(const CellRecord& record, const results::OutcomesOf& outcomes,
                       ByImage& by_image) {
  DistanceCurve curve;
  curve.defense = record.defense, curve.attack = record.attack;
  curve.threat = record.threat, curve.seed = record.seed;
  curve.reason = record.stochastic || record.trials > 1 ? kRandomized : "";
  if (!curve.reason.empty()) return curve;
  const std::vector<results::Outcome> all = outcomes(record);
  const std::vector<double> distances = distances_of(all, record.threat.epsilon);
  if (distances.empty() ||
      std::any_of(all.begin(), all.end(), [](auto& o) { return !is_distance(o.distance); })) {
    curve.reason = kNoDistances;
    return curve;
  }
  for (size_t i = 0; i < all.size(); ++i) by_image[all[i].index] = distances[i];
  curve.samples = int64_t(distances.size());
  curve.steps = steps_of(distances);
  const Median median = median_of(distances);
  curve.median = if_found(median.value);
  curve.median_low = if_found(median.low), curve.median_high = if_found(median.high);
  return curve;
}

bool same_row(const DistanceCurve& a, const DistanceCurve& b) {
  return a.defense == b.defense && a.threat == b.threat && a.seed == b.seed;
}

/// Of the curves of one row, over the images that all of them saw.
void compare(const std::vector<size_t>& row, const std::vector<ByImage>& distances,
             std::vector<DistanceCurve>& curves) {
  std::vector<std::vector<double>> attacks(row.size());
  for (const auto& [image, _] : distances[row.front()]) {
    if (!std::all_of(row.begin(), row.end(), [&](size_t i) { return distances[i].count(image); }))
      continue;
    for (size_t a = 0; a < row.size(); ++a) attacks[a].push_back(distances[row[a]].at(image));
  }
  if (row.size() < 2 || attacks.front().empty()) return;
  const auto optimality = optimality_of(attacks, curves[row.front()].threat.epsilon);
  for (size_t a = 0; a < row.size(); ++a) curves[row[a]].optimality = optimality[a];
}

}  // namespace

bool looks_for_distances(const CellRecord& record) {
  const auto all = nlohmann::json::parse(record.parameters, nullptr, /*allow_exceptions=*/false);
  return all.is_object() && all.contains("attack") && all.at("attack").is_object() &&
         all.at("attack").value("minimal_norm", nlohmann::json()) == true &&
         results::goal_of(record.parameters) == "untargeted";
}

std::vector<double> distances_of(const std::vector<results::Outcome>& outcomes, double epsilon) {
  std::vector<double> out;
  for (const results::Outcome& each : outcomes)
    out.push_back(each.clean_right == 0   ? 0
                  : each.robust_right > 0 ? kUnbroken
                                          : std::min(each.distance, epsilon));
  return out;
}

std::vector<DistanceCurve::Step> steps_of(std::vector<double> distances) {
  std::sort(distances.begin(), distances.end());
  const int64_t n = int64_t(distances.size());
  std::vector<DistanceCurve::Step> steps;
  for (double epsilon = 0; std::isfinite(epsilon);) {
    const auto above = std::upper_bound(distances.begin(), distances.end(), epsilon);
    const int64_t right = distances.end() - above;
    const results::Interval interval = results::wilson(right, n);
    steps.push_back({epsilon, n ? double(right) / double(n) : 0, interval.low, interval.high});
    epsilon = right > 0 ? *above : kUnbroken;
  }
  return steps;
}

Median median_of(std::vector<double> distances, double level) {
  std::sort(distances.begin(), distances.end());
  const int64_t n = int64_t(distances.size()), bound = order_of_bound(n, level);
  if (n == 0) return {kUnbroken, 0, kUnbroken};
  const auto at = [&](int64_t i) { return distances[size_t(i)]; };
  const double middle =
      at((n - 1) / 2) == at(n / 2) ? at(n / 2) : (at((n - 1) / 2) + at(n / 2)) / 2;
  if (bound == 0) return {middle, 0, kUnbroken};
  return {middle, at(bound - 1), at(n - bound)};
}

std::vector<std::optional<double>> optimality_of(const std::vector<std::vector<double>>& attacks,
                                                 double epsilon) {
  // `clean`: of an attack that finds nothing. Only an image that is wrong without an attack is at 0
  // for all of them.
  std::vector<double> best = attacks.front(), clean(best.size());
  for (const std::vector<double>& each : attacks)
    for (size_t i = 0; i < best.size(); ++i) {
      best[i] = std::min(best[i], each[i]);
      if (each[i] > 0) clean[i] = kUnbroken;
    }
  const double b = std::min(*std::max_element(best.begin(), best.end()), epsilon);
  // Sums of the same length, so that rounding cannot put an attack below one that finds nothing.
  const double least = area(best, b), most = area(clean, b);
  std::vector<std::optional<double>> out;
  for (const std::vector<double>& each : attacks)
    out.push_back(most > least ? std::optional(1 - (area(each, b) - least) / (most - least))
                               : std::nullopt);
  return out;
}

std::vector<DistanceCurve> distance_curves_of(const std::vector<CellRecord>& cells,
                                              const results::OutcomesOf& outcomes) {
  std::vector<DistanceCurve> curves;
  std::vector<ByImage> distances;
  for (const CellRecord& cell : cells)
    if (cell.status == results::Status::kOk && looks_for_distances(cell))
      curves.push_back(curve_of(cell, outcomes, distances.emplace_back()));
  std::vector<bool> seen(curves.size());
  for (size_t first = 0; first < curves.size(); ++first) {
    if (seen[first]) continue;
    std::vector<size_t> row;
    for (size_t i = first; i < curves.size(); ++i)
      if (same_row(curves[first], curves[i])) {
        seen[i] = true;
        if (curves[i].reason.empty()) row.push_back(i);
      }
    if (!row.empty()) compare(row, distances, curves);
  }
  return curves;
}

}  // namespace gauntlet::analysis
