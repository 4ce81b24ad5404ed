// Reading a data set of the registry and proving that it is the one the entry declares.
#include "base/bad_input.h"
#include "base/nearest_name.h"
#include "base/sha256.h"
#include "data/gzip.h"
#include "host/registry.h"

namespace gauntlet {
namespace {
namespace fs = std::filesystem;

// A file packed anew has another hash but the same content, so either one is proof.
void verify(const DatasetEntry::DataFile& file, const fs::path& path) {
  if (file.sha256.empty() && file.content_sha256.empty()) return;
  if (!file.sha256.empty() && sha256_of_file(path) == file.sha256) return;
  if (!file.content_sha256.empty() && sha256(read_unpacked(path)) == file.content_sha256) return;
  throw BadInput(
      path.string() + ": is not the file that data set '" + file.dataset +
      "' declares: its SHA-256 is " + sha256_of_file(path) + ", expected " +
      (file.sha256.empty() ? file.content_sha256 + " of the unpacked content" : file.sha256));
}

std::string shape_text(at::IntArrayRef shape) {
  std::string text;
  for (const int64_t n : shape) text += (text.empty() ? "" : " x ") + std::to_string(n);
  return text;
}

// Counts and shapes that a reader cannot know.
void check_read(const Dataset& data, const DatasetEntry& entry, const DatasetEntry::Split& split) {
  const std::string which = "data set '" + entry.id + "', split '" + split.name + "': ";
  if (data.size() != split.samples)
    throw BadInput(which + "the files hold " + std::to_string(data.size()) +
                   " samples, the entry declares " + std::to_string(split.samples));
  if (data.images.sizes().slice(1) != at::IntArrayRef(entry.shape))
    throw BadInput(which + "the images are " + shape_text(data.images.sizes().slice(1)) +
                   ", the entry declares " + shape_text(entry.shape));
}
}  // namespace

Dataset Registry::load(const std::string& id, const std::string& split) const {
  return load(dataset(id), split);
}

Dataset Registry::load(const DatasetEntry& entry, const std::string& name) const {
  const DatasetEntry::Split* split = entry.find_split(name);
  if (!split)
    throw BadInput("data set '" + entry.id + "' has no split '" + name + "'" +
                   suggestion(name, entry.split_names()));
  std::vector<fs::path> paths;
  for (const DatasetEntry::DataFile& file : split->files) {
    const auto path = find(file);
    if (!path) throw BadInput(absent_data(entry, file));
    verify(file, *path);
    paths.push_back(*path);
  }
  Dataset data =
      split->format == DataFormat::kIdx
          ? read_idx(paths.at(0), paths.at(1), entry.classes)
          : read_cifar(paths, split->format == DataFormat::kCifar100 ? 2 : 1, entry.classes);
  check_read(data, entry, *split);
  data.id = entry.id;
  data.split = name;
  data.class_names = entry.class_names;
  return data;
}

}  // namespace gauntlet
