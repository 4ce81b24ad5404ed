// Whether the gradients that attacks followed told them anything.
#pragma once
#include <vector>

#include "audit/columns.h"

namespace gauntlet::audit {

/// Checks of the findings of cells: gradients_vanish, gradients_saturate, gradients_not_finite,
/// box_edge and unchanged_inputs, each of the column that it concerns most. Empty where no attack
/// followed gradients of the defense.
std::vector<results::Check> gradient_checks(const std::vector<Column>& columns);

}  // namespace gauntlet::audit
