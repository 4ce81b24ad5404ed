// Rows of a suite against the row they name as their baseline, image by image.
#pragma once
#include <string>
#include <vector>

#include "analysis/pairs.h"

namespace gauntlet::analysis {

/// Of every row of the settings that names a baseline, in their order: for each threat without an
/// attack, then under each.
std::vector<results::Difference> differences_of(const std::string& settings,
                                                const std::vector<results::CellRecord>& cells,
                                                const results::OutcomesOf& outcomes);

}  // namespace gauntlet::analysis
