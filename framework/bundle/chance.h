// Whether two counts of the same answers differ by more than draws explain.
#pragma once
#include <cstdint>
#include <vector>

namespace gauntlet::bundle {

/// Fisher's exact test, two-sided, of a right answers in n trials against b in m: the chance of
/// counts at least as far apart where both have one rate.
double fisher_p_value(int64_t a, int64_t n, int64_t b, int64_t m);

/// Right answers of a model to some inputs, each asked in every trial.
struct Counts {
  std::vector<int64_t> by_image;
  int64_t trials = 1;
  /// Of each trial over all images, where images share draws; else empty.
  std::vector<int64_t> by_trial;
};

/// Variance of the accuracy, the mean over images and trials, through its draws alone.
double draws_variance(const Counts& counts);

/// Two-sided test of the difference of two accuracies on the same inputs: normal with the variance
/// of both; where images share draws, Student's with the variance that was found, so that a claim
/// cannot make room for itself.
double accuracy_p_value(const Counts& claimed, const Counts& found);

/// Two-sided F test of what draws that images share do to the accuracies of trials; 1 where they
/// share none. An interval that claims too little or too much of it fails.
double spread_p_value(const Counts& claimed, const Counts& found);

}  // namespace gauntlet::bundle
