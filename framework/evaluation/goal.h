// What an attack is after.
#pragma once
#include "gauntlet/attack.h"

namespace gauntlet::evaluation {

/// [R] bool: the goal is reached by these answers, which may be DefendedModel::kRefused or
/// kNoAnswer.
Tensor reached(Goal goal, const Tensor& answer, const Rows& rows);
/// Targets of a targeted cell: uniform over the wrong classes, by seed and data set index.
Tensor random_targets(uint64_t seed, const Tensor& index, const Tensor& y, int64_t classes);

}  // namespace gauntlet::evaluation
