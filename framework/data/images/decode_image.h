#pragma once
#include <filesystem>

#include "gauntlet/types.h"

namespace gauntlet::data {

/// kWhole: a JPEG is decoded twice, to see whether pixels are missing. Once for each file is
/// enough.
enum class ImageCheck { kWhole, kFrame };

/// A PNG, JPEG, BMP or PNM file as [channels, H, W] uint8; of 16 bits a channel the upper 8. Grey
/// becomes three equal channels where three are wanted, and equal channels grey where one is.
/// Throws BadInput, naming the file: unreadable, cut short, pixels that are not opaque, colour
/// where one channel is wanted, larger than its bytes can be.
Tensor decode_image(const std::filesystem::path& path, int64_t channels,
                    ImageCheck check = ImageCheck::kWhole);

}  // namespace gauntlet::data
