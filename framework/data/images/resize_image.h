#pragma once
#include "gauntlet/types.h"

namespace gauntlet::data {

/// [C, H, W] uint8 scaled so that the shorter side is `resize` long, or just covers the crop if
/// `resize` is 0, then cut out of the middle: [C, height, width]. Sizes and place are those of
/// torchvision's Resize and CenterCrop, the filter is antialiased bilinear. Only the pixels of the
/// crop are computed, however long the scaled image would be.
Tensor resize_and_crop(const Tensor& image, int64_t height, int64_t width, int64_t resize);

}  // namespace gauntlet::data
