#pragma once
#include <filesystem>

#include "gauntlet/types.h"

namespace gauntlet {

/// A PNG or JPEG file as [channels, H, W] uint8. Grey becomes three equal channels where three are
/// wanted. Throws BadInput, naming the file: unreadable, cut short, an alpha channel, colour where
/// one channel is wanted, larger than its bytes can be.
Tensor decode_image(const std::filesystem::path& file, int64_t channels);

/// [C, H, W] uint8 scaled so that the shorter side (of the two, relative to the crop's) is `resize`
/// long, or just covers the crop if `resize` is 0, then cut out of the middle: [C, height, width].
Tensor resize_and_crop(const Tensor& image, int64_t height, int64_t width, int64_t resize);

}  // namespace gauntlet
