#pragma once
#include <string>

#include "gauntlet/types.h"

namespace gauntlet::data {

/// Throws BadInput if one of these whole numbers is outside [first, first + classes).
void check_labels(const Tensor& labels, int64_t classes, const std::string& file,
                  int64_t first = 0);

}  // namespace gauntlet::data
