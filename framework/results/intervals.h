// Intervals behind every reported number.
#pragma once
#include <cstdint>
#include <vector>

#include "gauntlet/statistics.h"
#include "results/record.h"

namespace gauntlet::results {

/// Wilson score interval of k successes in n.
Interval wilson(int64_t k, int64_t n, double level = 0.95);
/// Interval of a mean over images of per-image success rates (each rate over `trials` draws):
/// normal theory over images, unit "image"; with fewer than ten images' worth of hits or of misses,
/// where normal theory fails, Wilson's interval of the mean, which is wider. `shared`:
/// what draws that images share add to the variance of the mean.
Interval of_rates(const std::vector<double>& rates, double shared = 0, double level = 0.95);
/// What draws that images share add to the variance of an accuracy, the mean over images and
/// trials: the variance of the trials' accuracies, less what it would be if each image had draws of
/// its own. `by_trial`: right answers of all images in each trial; `by_image`: of each image in all
/// trials. 0 where it comes out below, and for fewer than two trials, which show nothing of it.
double shared_variance(const std::vector<int64_t>& by_trial, const std::vector<int64_t>& by_image);
}  // namespace gauntlet::results
