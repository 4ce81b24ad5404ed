#include "data/images/decode_image.h"

#include <stb_image.h>

#include <memory>

#include "base/bad_input.h"
#include "data/files/gzip.h"
#include "data/images/image_structure.h"

namespace gauntlet::data {
namespace {

constexpr int64_t kMostPixels = 1 << 26;  // 8192 x 8192
constexpr int64_t kPixelsPerByte = 1100;  // more than JPEG can pack into a byte
constexpr int64_t kLargestFile = 1 << 30;

using StbPixels = std::unique_ptr<stbi_uc, void (*)(void*)>;

// All channels that are there, as [height, width, channels]; undefined where stb gives up.
Tensor all_channels(std::string_view bytes) {
  int width = 0, height = 0, found = 0;
  const StbPixels pixels(stbi_load_from_memory(reinterpret_cast<const stbi_uc*>(bytes.data()),
                                               int(bytes.size()), &width, &height, &found, 0),
                         stbi_image_free);
  if (!pixels) return {};
  return torch::from_blob(pixels.get(), {height, width, found}, torch::kByte).clone();
}

// Without an alpha channel that hides nothing.
Tensor opaque(const std::string& file, const Tensor& image) {
  const int64_t channels = image.size(2);
  if (channels == 1 || channels == 3) return image;
  if (image.select(2, channels - 1).ne(255).any().item<bool>())
    throw BadInput(file +
                   ": has pixels that its alpha channel hides in part, expected an opaque "
                   "image");
  return image.narrow(2, 0, channels - 1);
}

// Grey becomes equal channels, and equal channels grey.
Tensor with_channels(const std::string& file, const Tensor& image, int64_t wanted) {
  if (image.size(2) == wanted) return image;
  if (wanted == 3) return image.expand({-1, -1, 3});
  const Tensor first = image.narrow(2, 0, 1);
  if (image.ne(first).any().item<bool>())
    throw BadInput(file + ": is in colour, but the images of this data set have one channel");
  return first;
}

// stb makes up the pixels that a JPEG lacks, out of zeros: with noise at its end they are others.
void check_whole(const std::string& file, std::string_view bytes, const Tensor& image) {
  const std::string noisy = with_noise_at_end(file, bytes);
  if (noisy.empty()) return;
  const Tensor again = all_channels(noisy);
  if (!again.defined() || !again.equal(image))
    refuse_damaged(file, "some of its pixels are missing");
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

Tensor decode_image(const std::filesystem::path& path, int64_t channels, ImageCheck check) {
  const std::string file = path.string();
  const std::string bytes = read_bytes(path);
  if (int64_t(bytes.size()) > kLargestFile) throw BadInput(file + ": is too large for an image");
  const auto* data = reinterpret_cast<const stbi_uc*>(bytes.data());
  const int size = int(bytes.size());
  int width = 0, height = 0, found = 0;
  check_image_structure(file, bytes);
  if (!stbi_info_from_memory(data, size, &width, &height, &found))
    throw BadInput(file + ": is no image that can be read (" + stbi_failure_reason() + ")");
  check_size(file, bytes, width, height);
  const Tensor image = all_channels(bytes);
  if (!image.defined())
    throw BadInput(file + ": the image is damaged or cut short (" + stbi_failure_reason() + ")");
  if (check == ImageCheck::kWhole) check_whole(file, bytes, image);
  return with_channels(file, opaque(file, image), channels)
      .permute({2, 0, 1})
      .clone(at::MemoryFormat::Contiguous);
}

}  // namespace gauntlet::data
