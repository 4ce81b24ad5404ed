#include "data/formats/read_split.h"

#include <set>

#include "base/bad_input.h"
#include "base/file_errors.h"
#include "data/formats/readers.h"

namespace gauntlet::data {
namespace {
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

Dataset read_split(const SplitFiles& files) {
  refuse_repeated_files(files);
  return naming_files([&] { return read_format(files); });
}

}  // namespace gauntlet::data
