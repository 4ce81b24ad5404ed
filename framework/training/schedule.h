#pragma once
#include "training/recipe.h"

namespace gauntlet::training {

/// The learning rate of a step; 0 <= step < epochs * steps_per_epoch.
double learning_rate_at(const ScheduleSpec& spec, int64_t step, int64_t steps_per_epoch,
                        int64_t epochs);

}  // namespace gauntlet::training
