// What readers of weight files agree on, whatever the format.
#pragma once
#include <cstddef>
#include <string>

#include "gauntlet/types.h"

namespace gauntlet::pickle {

constexpr size_t kMostDimensions = 16, kLongestTensorName = 500, kMostTensors = 50'000;

/// The elements of a shape, in floating point, where absurd sizes cannot overflow; exact for all
/// that a file can hold. Infinite for what no file can, even where one of the sizes is 0: strides
/// would overflow all the same.
double element_count(at::IntArrayRef sizes);
/// Whether every byte of a tensor of bools is 0 or 1; true for other types.
bool holds_bools(const Tensor& contiguous);

}  // namespace gauntlet::pickle
