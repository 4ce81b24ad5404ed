#include "data/decode_image.h"

#include <ATen/ops/_upsample_bilinear2d_aa.h>
#include <stb_image.h>

#include <cmath>
#include <cstring>
#include <memory>

#include "base/bad_input.h"
#include "data/gzip.h"

namespace gauntlet {
namespace {

constexpr int64_t kMostPixels = 1 << 26;  // 8192 x 8192
constexpr int64_t kPixelsPerByte = 1100;  // more than deflate or JPEG can pack into a byte
constexpr int64_t kLargestFile = 1 << 30;

void check_channels(const std::string& file, int found, int64_t wanted) {
  if (found == 2 || found == 4)
    throw BadInput(file + ": has an alpha channel, expected an opaque image");
  if (found == 3 && wanted == 1)
    throw BadInput(file + ": is in colour, but the images of this data set have one channel");
}

// stb allocates for a chunk of a PNG what its length says before it looks for its bytes.
void check_chunks(const std::string& file, std::string_view bytes) {
  constexpr std::string_view kMagic = "\x89PNG\r\n\x1a\n";
  constexpr size_t kChunkFrame = 12;  // length, type, checksum
  if (!bytes.starts_with(kMagic)) return;
  for (size_t at = kMagic.size(); bytes.size() - at >= kChunkFrame;) {
    size_t length = 0;
    for (size_t i = 0; i < 4; ++i) length = length << 8 | uint8_t(bytes[at + i]);
    const bool last = bytes.substr(at + 4, 4) == "IEND";
    if (length > bytes.size() - at - kChunkFrame)
      throw BadInput(file + ": the image is damaged or cut short (a chunk of " +
                     std::to_string(length) + " bytes lies beyond its end)");
    if (last) return;
    at += kChunkFrame + length;
  }
}
}  // namespace

Tensor decode_image(const std::filesystem::path& path, int64_t channels) {
  const std::string file = path.string();
  const std::string bytes = read_bytes(path);
  if (int64_t(bytes.size()) > kLargestFile) throw BadInput(file + ": is too large for an image");
  const auto* data = reinterpret_cast<const stbi_uc*>(bytes.data());
  const int size = int(bytes.size());
  int width = 0, height = 0, found = 0;
  check_chunks(file, bytes);
  if (!stbi_info_from_memory(data, size, &width, &height, &found))
    throw BadInput(file + ": is no PNG or JPEG image (" + stbi_failure_reason() + ")");
  check_channels(file, found, channels);
  const int64_t pixels = int64_t{width} * height;
  if (pixels > kMostPixels || pixels > kPixelsPerByte * int64_t(bytes.size()))
    throw BadInput(file + ": says it is " + std::to_string(width) + " x " + std::to_string(height) +
                   " pixels, more than its " + std::to_string(bytes.size()) + " bytes can hold");
  const std::unique_ptr<stbi_uc, void (*)(void*)> image(
      stbi_load_from_memory(data, size, &width, &height, &found, int(channels)), stbi_image_free);
  if (!image)
    throw BadInput(file + ": the image is damaged or cut short (" + stbi_failure_reason() + ")");
  return torch::from_blob(image.get(), {height, width, channels}, torch::kByte)
      .permute({2, 0, 1})
      .clone(at::MemoryFormat::Contiguous);
}

Tensor resize_and_crop(const Tensor& image, int64_t height, int64_t width, int64_t resize) {
  const int64_t h = image.size(1), w = image.size(2);
  const double scale = resize > 0 ? double(resize) / double(std::min(h, w))
                                  : std::max(double(height) / double(h), double(width) / double(w));
  const int64_t new_h = std::max(height, int64_t(std::llround(double(h) * scale))),
                new_w = std::max(width, int64_t(std::llround(double(w) * scale)));
  Tensor out = image;
  if (new_h != h || new_w != w)
    out = at::_upsample_bilinear2d_aa(image.unsqueeze(0).to(torch::kFloat), {new_h, new_w}, false)
              .squeeze(0)
              .round_()
              .clamp_(0, 255)
              .to(torch::kByte);
  return out.narrow(1, (new_h - height) / 2, height).narrow(2, (new_w - width) / 2, width);
}

}  // namespace gauntlet
