#include "data/decode_image.h"

#include <stb_image.h>

#include <memory>

#include "base/bad_input.h"
#include "data/gzip.h"
#include "data/image_structure.h"

namespace gauntlet {
namespace {

constexpr int64_t kMostPixels = 1 << 26;  // 8192 x 8192
constexpr int64_t kPixelsPerByte = 1100;  // more than JPEG can pack into a byte
constexpr int64_t kLargestFile = 1 << 30;

void check_channels(const std::string& file, int found, int64_t wanted) {
  if (found == 2 || found == 4)
    throw BadInput(file + ": has an alpha channel, expected an opaque image");
  if (found == 3 && wanted == 1)
    throw BadInput(file + ": is in colour, but the images of this data set have one channel");
}

// A PNG is known to hold its pixels; a JPEG may say anything.
void check_size(const std::string& file, std::string_view bytes, int64_t width, int64_t height) {
  const std::string says =
      file + ": says it is " + std::to_string(width) + " x " + std::to_string(height) + " pixels, ";
  const int64_t pixels = width * height;
  if (pixels > kMostPixels)
    throw BadInput(says + "expected at most " + std::to_string(kMostPixels));
  if (bytes.starts_with("\xff") && pixels > kPixelsPerByte * int64_t(bytes.size()))
    throw BadInput(says + "more than its " + std::to_string(bytes.size()) + " bytes can hold");
}
}  // namespace

Tensor decode_image(const std::filesystem::path& path, int64_t channels) {
  const std::string file = path.string();
  const std::string bytes = read_bytes(path);
  if (int64_t(bytes.size()) > kLargestFile) throw BadInput(file + ": is too large for an image");
  const auto* data = reinterpret_cast<const stbi_uc*>(bytes.data());
  const int size = int(bytes.size());
  int width = 0, height = 0, found = 0;
  check_image_structure(file, bytes);
  if (!stbi_info_from_memory(data, size, &width, &height, &found))
    throw BadInput(file + ": is no PNG or JPEG image (" + stbi_failure_reason() + ")");
  check_channels(file, found, channels);
  check_size(file, bytes, width, height);
  const std::unique_ptr<stbi_uc, void (*)(void*)> image(
      stbi_load_from_memory(data, size, &width, &height, &found, int(channels)), stbi_image_free);
  if (!image)
    throw BadInput(file + ": the image is damaged or cut short (" + stbi_failure_reason() + ")");
  return torch::from_blob(image.get(), {height, width, channels}, torch::kByte)
      .permute({2, 0, 1})
      .clone(at::MemoryFormat::Contiguous);
}

}  // namespace gauntlet
