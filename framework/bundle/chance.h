// Whether two counts of the same answers differ by more than draws explain.
#pragma once
#include <cstdint>
#include <vector>

namespace gauntlet::bundle {

/// Fisher's exact test, two-sided, of a right answers in n trials against b in m: the chance of
/// counts at least as far apart where both have one rate.
double fisher_p_value(int64_t a, int64_t n, int64_t b, int64_t m);

/// Right answers of the same images counted twice, in as many trials.
struct Counts {
  std::vector<int64_t> claimed, found;  ///< of each image
  int64_t trials = 1;
  /// Of each trial over all images, where images share draws; else empty.
  std::vector<int64_t> claimed_by_trial, found_by_trial;
};

/// Two-sided normal test of the difference of the two accuracies, by the spread of draws within
/// images and, where they are shared, of trials.
double accuracy_p_value(const Counts& counts);

}  // namespace gauntlet::bundle
