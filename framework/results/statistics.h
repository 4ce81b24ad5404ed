// Intervals and tests behind every reported number.
#pragma once
#include <cstdint>
#include <vector>

#include "results/record.h"

namespace gauntlet {

/// Wilson score interval of k successes in n.
Interval wilson(int64_t k, int64_t n, double level = 0.95);
/// One-sided Clopper-Pearson lower bound at confidence 1 - alpha (methods: certification).
double clopper_pearson_lower(int64_t k, int64_t n, double alpha);
/// Interval of a mean over images of per-image success rates (each rate over `trials` draws):
/// normal theory over images, unit "image"; with fewer than ten images' worth of hits or of misses,
/// where normal theory fails, Wilson's interval of the mean, which is wider.
Interval of_rates(const std::vector<double>& rates, double level = 0.95);
/// Two-sided exact binomial test of k in n with p = 1/2.
double binomial_p_value(int64_t k, int64_t n);
double normal_quantile(double p);

}  // namespace gauntlet
