// Several tests looked at together.
#pragma once
#include <vector>

namespace gauntlet::analysis {

/// Holm's adjustment of p values that are looked at together, in their order.
std::vector<double> holm(const std::vector<double>& p);

}  // namespace gauntlet::analysis
