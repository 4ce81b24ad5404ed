// Intervals behind every reported number.
#pragma once
#include <cstdint>
#include <vector>

#include "gauntlet/statistics.h"
#include "results/record.h"

namespace gauntlet {

/// Wilson score interval of k successes in n.
Interval wilson(int64_t k, int64_t n, double level = 0.95);
/// Interval of a mean over images of per-image success rates (each rate over `trials` draws):
/// normal theory over images, unit "image"; with fewer than ten images' worth of hits or of misses,
/// where normal theory fails, Wilson's interval of the mean, which is wider.
Interval of_rates(const std::vector<double>& rates, double level = 0.95);

}  // namespace gauntlet
