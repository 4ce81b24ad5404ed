#pragma once
#include <string>

#include "gauntlet/types.h"

namespace gauntlet {

/// Throws BadInput if a label is outside [0, classes).
void check_labels(const Tensor& labels, int64_t classes, const std::string& file);

}  // namespace gauntlet
