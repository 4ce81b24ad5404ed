#include "image_bytes.h"

#include "file_bytes.h"

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

std::string bmp_bytes(const Tensor& image) {
  const int64_t height = image.size(1), width = image.size(2), channels = image.size(0);
  const bool grey = channels == 1;
  std::string palette, rows;
  for (int i = 0; grey && i < 256; ++i) palette += std::string(3, char(i)) + '\0';
  const Tensor last = image.flip({0}).flip({1}).permute({1, 2, 0}).contiguous();  // blue first
  for (int64_t y = 0; y < height; ++y) {
    rows += bytes_of(last[y]);
    rows.append(size_t((4 - width * channels % 4) % 4), '\0');
  }
  const uint64_t offset = 54 + palette.size();
  return "BM" + little_endian(offset + rows.size(), 4) + little_endian(0, 4) +
         little_endian(offset, 4) + little_endian(40, 4) + little_endian(uint64_t(width), 4) +
         little_endian(uint64_t(height), 4) + little_endian(1, 2) +
         little_endian(uint64_t(8 * channels), 2) + little_endian(0, 24) + palette + rows;
}

std::string pnm_bytes(const Tensor& image) {
  return std::string(image.size(0) == 1 ? "P5" : "P6") + "\n# a comment\n" +
         std::to_string(image.size(2)) + " " + std::to_string(image.size(1)) + "\n255\n" +
         bytes_of(image.permute({1, 2, 0}));
}

}  // namespace gauntlet::testing
