// What the attacks on one defense tell about each other.
#pragma once
#include <string>
#include <vector>

#include "results/record.h"

namespace gauntlet::audit {

/// Findings about the attacks on one defense under one threat and seed: an attack that is beaten,
/// by more than chance, by one that has less (no gradients, a single one, or fewer steps, restarts
/// or draws of the same), and a random defense that gradients of single draws alone were followed
/// on. `cells`: the records, with outcomes and parameters.
std::vector<results::Finding> findings_of_row(const std::vector<results::CellRecord>& cells);

}  // namespace gauntlet::audit
