#pragma once
#include "gauntlet/types.h"

namespace gauntlet {

/// What is divided by where it is 0: 1, so that 0 / 0 is 0.
inline Tensor or_one(const Tensor& divisor) { return divisor.masked_fill(divisor == 0, 1); }

}  // namespace gauntlet
