// What the outcomes of a cell amount to.
#pragma once
#include "results/record.h"

namespace gauntlet {

/// Margins below it are ties.
constexpr double kTie = 1e-4;

/// Samples, accuracies, ties and interval of a record whose outcomes and trials are complete.
void summarise(CellRecord& record);

}  // namespace gauntlet
