// What a run set out to measure, by its settings.
#pragma once
#include <string>
#include <vector>

#include "results/record.h"

namespace gauntlet::results {

/// Names of the cells and worst cases of a run, without a result, in the order in which it measures
/// them: seed, then threat, then defense, then attack. Empty where the settings tell nothing of it.
struct Asked {
  explicit Asked(const std::string& settings);
  std::vector<CellRecord> cells;
  std::vector<WorstCase> worst_cases;
};

}  // namespace gauntlet::results
