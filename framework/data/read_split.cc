// Every format by its name.
#include <algorithm>
#include <set>

#include "base/bad_input.h"
#include "base/file_errors.h"
#include "base/plausible_size.h"
#include "data/dataset.h"

namespace gauntlet {
namespace {
constexpr int64_t kHeaders = 1 << 16, kLargestValue = 8;
constexpr int64_t kBeside = 128;  // of a sample: its label, and its name in CIFAR's pickles

void refuse_repeated_files(const SplitFiles& files) {
  std::set<std::filesystem::path> seen;
  for (const std::filesystem::path& path : files.paths)
    if (!seen.insert(path.lexically_normal()).second)
      throw BadInput(path.string() + ": is listed twice, its samples would count twice");
}

Dataset read_format(const SplitFiles& files) {
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
}  // namespace

int64_t SplitFiles::most_bytes() const {
  if (samples == 0 || shape.empty()) {
    uintmax_t largest = 0;
    for (const std::filesystem::path& path : paths)
      if (std::filesystem::is_regular_file(path))
        largest = std::max(largest, std::filesystem::file_size(path));
    return plausible_bytes(largest);
  }
  double bytes = format == DataFormat::kNpz ? kLargestValue : 1;
  for (const int64_t size : shape) bytes *= double(size);
  bytes = kHeaders + double(samples) * (bytes + kBeside);
  return bytes < double(kNoLimit) ? int64_t(bytes) : kNoLimit;
}

Dataset read_split(const SplitFiles& files) {
  refuse_repeated_files(files);
  return naming_files([&] { return read_format(files); });
}

}  // namespace gauntlet
