#include "results/outcomes.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "results/intervals.h"

namespace gauntlet::results {
namespace {

void compare(std::vector<std::string>& out, const char* what, double claimed, double found) {
  if (std::string problem = claim_problem(what, claimed, found); !problem.empty())
    out.push_back(std::move(problem));
}
}  // namespace

std::string claim_problem(const char* what, double claimed, double found) {
  if (std::abs(claimed - found) < kSameRate) return "";
  return fmt::format("claims {} {:.6g}, its outcomes give {:.6g}", what, claimed, found);
}

void summarise(CellRecord& record) {
  const double trials = double(record.trials);
  record.samples = int64_t(record.outcomes.size());
  double clean = 0, robust = 0, majority = 0, worst = 0;
  record.ties = 0;
  std::vector<double> rates;
  std::vector<int64_t> by_image;
  for (const Outcome& o : record.outcomes) {
    clean += double(o.clean_right) / trials;
    rates.push_back(double(o.robust_right) / trials);
    by_image.push_back(o.robust_right);
    robust += rates.back();
    majority += record.stochastic ? o.predicted == o.label : o.robust_right;
    worst += o.robust_right == record.trials;
    record.ties += std::abs(o.margin) < kTie;
  }
  const double n = std::max<double>(1, double(record.samples));
  record.clean_accuracy = clean / n, record.robust_accuracy = robust / n;
  record.majority_accuracy = majority / n, record.worst_trial_accuracy = worst / n;
  record.interval = record.trials == 1
                        ? wilson(int64_t(std::llround(robust)), record.samples)
                        : of_rates(rates, shared_variance(record.robust_by_trial, by_image));
}

std::vector<std::string> contradictions(const CellRecord& record) {
  std::vector<std::string> out;
  if (record.status != Status::kOk) return out;
  CellRecord again = record;
  summarise(again);
  compare(out, "samples", double(record.samples), double(again.samples));
  compare(out, "clean accuracy", record.clean_accuracy, again.clean_accuracy);
  compare(out, "robust accuracy", record.robust_accuracy, again.robust_accuracy);
  compare(out, "accuracy in every trial", record.worst_trial_accuracy, again.worst_trial_accuracy);
  compare(out, "accuracy by majority", record.majority_accuracy, again.majority_accuracy);
  compare(out, "ties", double(record.ties), double(again.ties));
  compare(out, "the lower end of its interval as", record.interval.low, again.interval.low);
  compare(out, "the upper end of its interval as", record.interval.high, again.interval.high);
  return out;
}

}  // namespace gauntlet::results
