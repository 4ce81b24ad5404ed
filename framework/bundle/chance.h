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

/// Two-sided test of a difference whose variance was estimated with so many degrees of freedom:
/// Student's; INFINITY: normal.
double difference_p_value(double difference, double variance, double freedom);

/// Of the difference of two accuracies on the same inputs, with the variance of both: normal, or
/// Student's where images share draws; 1 where they share one draw, which shows nothing of it.
double accuracy_p_value(const Counts& claimed, const Counts& found);

/// Two-sided test of how many of these right answers lie in the first half of the trials: any half
/// is as good as another. Of draws that images do not share.
double halves_p_value(const Counts& whole, const std::vector<int64_t>& first);

/// Brown and Forsythe's test, two-sided, of how far the accuracies of trials lie from their median;
/// 1 where images share no draws. Robust to single outlying trials.
double spread_p_value(const Counts& claimed, const Counts& found);

}  // namespace gauntlet::bundle
