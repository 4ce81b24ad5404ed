#include "analysis/derived_figures.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "results/intervals.h"
#include "results/leaf.h"

namespace gauntlet::analysis {
namespace {

using results::CellRecord;
using results::DetectorFigures;
using results::Outcome;

constexpr int64_t kFalsePositives[] = {1, 5};  // in percent of the clean inputs

double ordered(double score) {
  return std::isnan(score) ? std::numeric_limits<double>::infinity() : score;
}

int64_t above(const std::vector<double>& ascending, double threshold) {
  return ascending.end() - std::upper_bound(ascending.begin(), ascending.end(), threshold);
}

// Mann and Whitney's statistic, as a share of all pairs.
double area_under_curve(const std::vector<double>& clean, const std::vector<double>& attacked) {
  double higher = 0;
  for (const double score : attacked) {
    const auto [from, to] = std::equal_range(clean.begin(), clean.end(), score);
    higher += double(from - clean.begin()) + 0.5 * double(to - from);
  }
  return higher / (double(clean.size()) * double(attacked.size()));
}

DetectorFigures::At at_rate(const std::vector<double>& clean, const std::vector<double>& attacked,
                            int64_t percent) {
  const auto n = int64_t(clean.size()), all = int64_t(attacked.size());
  const double threshold = clean[size_t(n - 1 - n * percent / 100)];
  DetectorFigures::At out;
  out.false_positive_rate = double(percent) / 100;
  out.false_positives = above(clean, threshold);
  out.true_positives = above(attacked, threshold);
  out.true_positive_rate = double(out.true_positives) / double(all);
  out.interval = results::wilson(out.true_positives, all);
  return out;
}
}  // namespace

std::optional<DetectorFigures> detector_figures(const CellRecord& record) {
  const size_t n = record.outcomes.size();
  if (n == 0 || record.scores.clean.size() != n || record.scores.attacked.size() != n) return {};
  std::vector<double> clean, attacked;
  for (size_t i = 0; i < n; ++i) {
    clean.push_back(ordered(record.scores.clean[i]));
    if (record.outcomes[i].distance > 0) attacked.push_back(ordered(record.scores.attacked[i]));
  }
  if (attacked.empty()) return {};
  std::sort(clean.begin(), clean.end());
  std::sort(attacked.begin(), attacked.end());
  DetectorFigures out;
  out.clean_images = int64_t(n), out.attacked_images = int64_t(attacked.size());
  out.auc = area_under_curve(clean, attacked);
  for (const int64_t percent : kFalsePositives) out.at.push_back(at_rate(clean, attacked, percent));
  return out;
}

std::optional<results::HypocriticalRisk> hypocritical_risk(const CellRecord& record) {
  if (results::goal_of(record.parameters) != "hypocritical") return {};
  std::vector<double> rates;
  double sum = 0;
  for (const Outcome& one : record.outcomes) {
    if (2 * one.clean_right >= record.trials) continue;
    rates.push_back(double(one.robust_right) / double(record.trials));
    sum += rates.back();
  }
  if (rates.empty()) return {};
  results::HypocriticalRisk out;
  out.images = int64_t(rates.size());
  out.risk = sum / double(rates.size());
  // What draws that images share add to it is not known of a part of them.
  results::Shared given;
  given.trials = record.robust_by_trial.empty() ? 0 : 1;
  out.interval = record.trials == 1 && given.trials == 0 ? results::wilson(int64_t(sum), out.images)
                                                         : results::of_rates(rates, given);
  return out;
}

}  // namespace gauntlet::analysis
