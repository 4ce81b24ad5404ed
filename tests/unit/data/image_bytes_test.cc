#include "image_bytes.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#include <stb_image_write.h>
#pragma GCC diagnostic pop

namespace gauntlet::testing {
namespace {
void append(void* to, void* data, int size) {
  static_cast<std::string*>(to)->append(static_cast<char*>(data), size_t(size));
}
}  // namespace

std::string png_bytes(const Tensor& image) {
  const Tensor pixels = image.permute({1, 2, 0}).contiguous();
  std::string out;
  stbi_write_png_to_func(append, &out, int(image.size(2)), int(image.size(1)), int(image.size(0)),
                         pixels.const_data_ptr(), int(image.size(2) * image.size(0)));
  return out;
}

std::string jpeg_bytes(const Tensor& image) {
  const Tensor pixels = image.permute({1, 2, 0}).contiguous();
  std::string out;
  stbi_write_jpg_to_func(append, &out, int(image.size(2)), int(image.size(1)), int(image.size(0)),
                         pixels.const_data_ptr(), /*quality=*/100);
  return out;
}

}  // namespace gauntlet::testing
