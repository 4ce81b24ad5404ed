#include "results/outcomes.h"

#include <algorithm>
#include <cmath>

#include "results/statistics.h"

namespace gauntlet {

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

}  // namespace gauntlet
