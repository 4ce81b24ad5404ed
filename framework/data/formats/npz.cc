#include <cmath>
#include <fstream>

#include "base/bad_input.h"
#include "base/sha256.h"
#include "base/shape_text.h"
#include "base/shown.h"
#include "base/zip.h"
#include "data/formats/labels.h"
#include "data/formats/readers.h"
#include "gauntlet/arrays.h"
#include "gauntlet/params.h"

namespace gauntlet::data {
namespace {

std::string names_in(const std::string& file) {
  std::string names;
  const ZipFile zip(file);
  for (const ZipFile::Entry& entry : zip.entries())
    names += (names.empty() ? "" : ", ") + shown(entry.name.substr(0, entry.name.rfind(".npy")));
  return names;
}

const Tensor& array_of(const std::map<std::string, Tensor>& arrays, const std::string& name,
                       const std::string& file) {
  const auto it = arrays.find(name);
  if (it == arrays.end())
    throw BadInput(file + ": holds no array " + shown(name) + ", it has " + names_in(file));
  return it->second;
}

bool is_one_array(const std::filesystem::path& file) {
  std::string begin(6, '\0');
  return std::ifstream(file, std::ios::binary).read(begin.data(), 6) && begin == "\x93NUMPY";
}

// Few channels at the end and many where they should be; no shape that was declared says otherwise.
bool looks_channels_last(const Tensor& images, const std::vector<int64_t>& shape) {
  constexpr int64_t kMostChannels = 4;
  const std::vector<int64_t> found = images.sizes().slice(1).vec(),
                             moved{found[2], found[0], found[1]};
  if (!shape.empty()) return found != shape && moved == shape;
  return found[2] <= kMostChannels && found[0] > kMostChannels && found[1] > kMostChannels;
}

// uint8 as it is; floats must already be in [0, 1].
Tensor checked_images(const Tensor& images, const std::string& what) {
  if (images.scalar_type() == torch::kByte) return images.contiguous();
  if (!images.is_floating_point())
    throw BadInput(what + "is of whole numbers that are not uint8; expected uint8, or floats in " +
                   "[0, 1]");
  const Tensor values = images.to(torch::kFloat).contiguous();
  const double low = values.min().item<double>(), high = values.max().item<double>();
  if (!std::isfinite(low) || !std::isfinite(high))
    throw BadInput(what + "has values that are not finite");
  if (low < 0 || high > 1)
    throw BadInput(what + "has values from " + std::to_string(low) + " to " + std::to_string(high) +
                   ", expected floats in [0, 1] (before any normalisation), or uint8");
  return values;
}
}  // namespace

Dataset read_npz_split(const SplitFiles& files) {
  const std::filesystem::path& path = files.paths.at(0);
  const std::string file = path.string();
  std::map<std::string, Tensor> arrays;
  try {
    arrays = read_npz(file, {files.images, files.labels}, files.most_bytes());
  } catch (const ParamError& error) {
    if (is_one_array(path))
      throw BadInput(
          file +
          ": is one array (.npy), expected images and labels in one file: np.savez(\"data.npz\", " +
          files.images + "=…, " + files.labels + "=…)");
    throw BadInput(error.what());
  }
  Tensor images = array_of(arrays, files.images, file),
         labels = array_of(arrays, files.labels, file);
  const std::string of_images = file + ": the array " + shown(files.images) + " ",
                    of_labels = file + ": the array " + shown(files.labels) + " ";
  if (images.dim() != 4 || images.numel() == 0)
    throw BadInput(
        of_images + "is " + dimensions_text(images.sizes()) + ", expected " +
        (files.channels_last ? "[N, height, width, channels]" : "[N, channels, height, width]"));
  if (files.channels_last) {
    images = images.permute({0, 3, 1, 2});
  } else if (looks_channels_last(images, files.shape)) {
    throw BadInput(of_images + "is " + dimensions_text(images.sizes()) +
                   ": its channels are last; say layout = \"nhwc\", or write " + files.images +
                   ".transpose(0, 3, 1, 2)");
  }
  if (labels.dim() == 2 && labels.size(1) == 1) labels = labels.squeeze(1);
  if (labels.dim() != 1 || labels.size(0) != images.size(0))
    throw BadInput(of_labels + "is " + dimensions_text(labels.sizes()) +
                   ", expected one label for each of the " + std::to_string(images.size(0)) +
                   " images");
  if (labels.is_floating_point() || labels.scalar_type() == torch::kBool)
    throw BadInput(of_labels + "is not of whole numbers");
  Dataset data;
  data.images = checked_images(images, of_images);
  data.labels = labels.to(torch::kLong).contiguous();
  check_labels(data.labels, files.classes, file);
  data.sha256 = sha256_of_file(path);
  return data;
}

}  // namespace gauntlet::data
