// Every format by its name.
#include <set>

#include "base/bad_input.h"
#include "data/dataset.h"

namespace gauntlet {
namespace {
constexpr int64_t kHeaders = 1 << 16, kLargestValue = 8, kLargestLabel = 8;

void refuse_repeated_files(const SplitFiles& files) {
  std::set<std::filesystem::path> seen;
  for (const std::filesystem::path& path : files.paths)
    if (!seen.insert(path.lexically_normal()).second)
      throw BadInput(path.string() + ": is listed twice, its samples would count twice");
}
}  // namespace

int64_t SplitFiles::most_bytes() const {
  if (samples == 0 || shape.empty()) return kNoLimit;
  const int64_t value = format == DataFormat::kNpz ? kLargestValue : 1;
  return kHeaders + samples * (value * c10::multiply_integers(shape) + kLargestLabel);
}

Dataset read_split(const SplitFiles& files) {
  refuse_repeated_files(files);
  switch (files.format) {
    case DataFormat::kIdx:
      return read_idx(files.paths.at(0), files.paths.at(1), files.classes, files.most_bytes());
    case DataFormat::kCifar10:
      return read_cifar(files.paths, 1, files.classes, files.most_bytes());
    case DataFormat::kCifar100:
      return read_cifar(files.paths, 2, files.classes, files.most_bytes());
    case DataFormat::kSvhn:
      return read_svhn(files.paths.at(0), files.classes, files.most_bytes());
    case DataFormat::kImages:
      return read_image_folder(files);
    case DataFormat::kNpz:
      return read_npz_split(files);
  }
  throw std::logic_error("a data format without a reader");
}

}  // namespace gauntlet
