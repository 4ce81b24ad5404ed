// PNG and JPEG files made by stb's writer; BMP and PNM by hand.
#pragma once
#include <string>

#include "gauntlet/types.h"

namespace gauntlet::testing {

/// Of [C, H, W] uint8 with 1 to 4 channels.
std::string png_bytes(const Tensor& image);
std::string jpeg_bytes(const Tensor& image);
/// Of 1 or 3 channels; grey has a palette.
std::string bmp_bytes(const Tensor& image);
std::string pnm_bytes(const Tensor& image);

}  // namespace gauntlet::testing
