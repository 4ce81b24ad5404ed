#pragma once
#include <filesystem>

#include "gauntlet/types.h"

namespace gauntlet {

/// A PNG or JPEG file as [channels, H, W] uint8. Grey becomes three equal channels where three are
/// wanted. Throws BadInput, naming the file: unreadable, cut short, an alpha channel, colour where
/// one channel is wanted, larger than its bytes can be.
Tensor decode_image(const std::filesystem::path& file, int64_t channels);

}  // namespace gauntlet
