#pragma once
#include <string>

#include "gauntlet/types.h"

namespace gauntlet::data {

/// "3 x 32 x 32"; "a single value" where there is no dimension.
std::string dimensions_text(at::IntArrayRef shape);

}  // namespace gauntlet::data
