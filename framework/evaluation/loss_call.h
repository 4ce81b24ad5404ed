// A loss that a plugin made, on rows and outputs that the host goes on to use.
#pragma once
#include <string>

#include "gauntlet/types.h"

namespace gauntlet::evaluation {

/// [R]. Throws InvalidResult where the loss writes into the outputs or gives another shape.
Tensor loss_of(const Loss& loss, const Outputs& outputs, const Rows& rows, const std::string& who);

}  // namespace gauntlet::evaluation
