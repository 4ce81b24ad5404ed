#pragma once
#include <string>

#include "gauntlet/types.h"

namespace gauntlet {

/// "3 x 32 x 32"; "a single value" where there is no dimension.
std::string shape_text(at::IntArrayRef shape);

}  // namespace gauntlet
