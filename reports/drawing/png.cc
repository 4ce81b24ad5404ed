#include "reports/drawing/png.h"

#include <openssl/evp.h>

#if defined(__GNUC__)
#pragma GCC diagnostic ignored "-Wunused-function"
#endif
#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#define STBI_WRITE_NO_STDIO
#include <stb_image_write.h>

namespace gauntlet::reports {
namespace {

constexpr int64_t kLargest = 128;

void append(void* text, void* bytes, int size) {
  static_cast<std::string*>(text)->append(static_cast<const char*>(bytes), size_t(size));
}

std::string base64(const std::string& bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');  // with the end that OpenSSL writes
  const int size =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                      reinterpret_cast<const unsigned char*>(bytes.data()), int(bytes.size()));
  text.resize(size_t(size));
  return text;
}

}  // namespace

std::string picture(const Tensor& image) {
  const int64_t channels = image.size(0);
  if (channels != 1 && channels != 3) return "";
  Tensor small = image;
  if (image.size(1) > kLargest || image.size(2) > kLargest)
    small = at::adaptive_avg_pool2d(image.unsqueeze(0), {std::min(image.size(1), kLargest),
                                                         std::min(image.size(2), kLargest)})[0];
  const Tensor bytes =
      (small.clamp(0, 1) * 255).round().to(at::kByte).permute({1, 2, 0}).contiguous();
  std::string png;
  const int height = int(bytes.size(0)), width = int(bytes.size(1));
  stbi_write_png_to_func(append, &png, width, height, int(channels), bytes.const_data_ptr(),
                         width * int(channels));
  return "data:image/png;base64," + base64(png);
}

}  // namespace gauntlet::reports
