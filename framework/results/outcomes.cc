#include "results/outcomes.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "results/intervals.h"

namespace gauntlet::results {
namespace {

void compare(std::vector<std::string>& out, const char* what, double claimed, double found) {
  if (std::string problem = claim_problem(what, claimed, found); !problem.empty())
    out.push_back(std::move(problem));
}

std::vector<double> rates_of(const CellRecord& record) {
  std::vector<double> out;
  for (const Outcome& o : record.outcomes)
    out.push_back(double(o.robust_right) / double(record.trials));
  return out;
}

Interval of_hits(const std::vector<double>& rates) {
  return wilson(std::count(rates.begin(), rates.end(), 1.0), int64_t(rates.size()));
}

Interval interval_of(const CellRecord& record) {
  const std::vector<double> rates = rates_of(record);
  const Shared shared = shared_of(record);
  return record.trials == 1 && shared.trials == 0 ? of_hits(rates) : of_rates(rates, shared);
}

/// As the rule that it names has it.
Interval claimed_interval(const CellRecord& record) {
  if (!is_normal_rule(record.interval)) return interval_of(record);
  const std::vector<double> rates = rates_of(record);
  return record.trials == 1 ? of_hits(rates) : normal_of_rates(rates, shared_of(record).variance);
}

/// The halves of the trials that tell which attack is chosen are halves of the right answers: of
/// each image, and of each trial where these are known.
bool halves_are_possible(const CellRecord& record) {
  const int64_t half = record.trials / 2;
  int64_t first = 0;
  for (const Outcome& o : record.outcomes) {
    if (!o.robust_first) return true;  // an older version's
    if (*o.robust_first < std::max<int64_t>(0, o.robust_right - (record.trials - half)) ||
        *o.robust_first > std::min(half, o.robust_right))
      return false;
    first += *o.robust_first;
  }
  const auto& trials = record.robust_by_trial;
  return int64_t(trials.size()) != record.trials ||
         first == std::accumulate(trials.begin(), trials.begin() + half, int64_t{0});
}
}  // namespace

Shared shared_of(const CellRecord& record) {
  std::vector<int64_t> by_image;
  for (const Outcome& o : record.outcomes) by_image.push_back(o.robust_right);
  return shared_of(record.robust_by_trial, by_image);
}

std::string claim_problem(const char* what, double claimed, double found) {
  if (std::abs(claimed - found) < kSameRate) return "";
  return fmt::format("claims {} {:.6g}, its outcomes give {:.6g}", what, claimed, found);
}

void summarise(CellRecord& record) {
  const double trials = double(record.trials);
  record.samples = int64_t(record.outcomes.size());
  double clean = 0, robust = 0, majority = 0, worst = 0;
  record.ties = 0;
  for (const Outcome& o : record.outcomes) {
    clean += double(o.clean_right) / trials;
    robust += double(o.robust_right) / trials;
    majority += record.stochastic ? o.predicted == o.label : o.robust_right;
    worst += o.robust_right == record.trials;
    record.ties += std::abs(o.margin) < kTie;
  }
  const double n = std::max<double>(1, double(record.samples));
  record.clean_accuracy = clean / n, record.robust_accuracy = robust / n;
  record.majority_accuracy = majority / n, record.worst_trial_accuracy = worst / n;
  record.interval = interval_of(record);
}

DrawFigures draw_figures(const CellRecord& record) {
  DrawFigures out;
  out.images = of_rates(rates_of(record));
  if (record.robust_by_trial.size() > 1)
    out.draws = over_draws(record.robust_by_trial, int64_t(record.outcomes.size()));
  const auto always =
      std::count_if(record.outcomes.begin(), record.outcomes.end(),
                    [&](const Outcome& o) { return o.clean_right == record.trials; });
  out.clean_in_every_trial = double(always) / double(std::max<size_t>(1, record.outcomes.size()));
  return out;
}

std::vector<std::string> contradictions(const CellRecord& record) {
  std::vector<std::string> out;
  if (record.status != Status::kOk) return out;
  CellRecord again = record;
  summarise(again);
  again.interval = claimed_interval(record);
  compare(out, "samples", double(record.samples), double(again.samples));
  compare(out, "clean accuracy", record.clean_accuracy, again.clean_accuracy);
  compare(out, "robust accuracy", record.robust_accuracy, again.robust_accuracy);
  compare(out, "accuracy in every trial", record.worst_trial_accuracy, again.worst_trial_accuracy);
  compare(out, "accuracy by majority", record.majority_accuracy, again.majority_accuracy);
  compare(out, "ties", double(record.ties), double(again.ties));
  compare(out, "the lower end of its interval as", record.interval.low, again.interval.low);
  compare(out, "the upper end of its interval as", record.interval.high, again.interval.high);
  if (!halves_are_possible(record))
    out.push_back("has right answers in the first half of its trials that its totals rule out");
  return out;
}

}  // namespace gauntlet::results
