// Pictures for pages.
#pragma once
#include <string>

#include "gauntlet/types.h"

namespace gauntlet::reports {

/// "data:image/png;base64,…" of [C, H, W] float32 in [0, 1] (beyond it cut), C 1 or 3; of any other
/// "". Pictures of more than 128 pixels a side are averaged down.
std::string picture(const Tensor& image);

}  // namespace gauntlet::reports
