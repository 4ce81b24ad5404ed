/// @file
/// Exact statistics of counts, for certificates.
#pragma once
#include <cstdint>

#include "gauntlet/abi.h"

namespace gauntlet {

using std::int64_t;

/// One-sided Clopper-Pearson bound of a chance of which k of n draws were hits: it lies above the
/// bound with confidence 1 - alpha. Throws std::invalid_argument unless 0 <= k <= n and alpha is in
/// (0, 1).
GAUNTLET_API double clopper_pearson_lower(int64_t k, int64_t n, double alpha);
/// Two-sided exact binomial test of k hits in n against a chance of 1/2. Throws
/// std::invalid_argument unless 0 <= k <= n.
GAUNTLET_API double binomial_p_value(int64_t k, int64_t n);
/// Quantile of the standard normal distribution. Throws std::invalid_argument unless p is in
/// (0, 1).
GAUNTLET_API double normal_quantile(double p);

}  // namespace gauntlet
