// Reading a data set of the registry and proving that it is the one the entry declares.
#include "base/bad_input.h"
#include "base/nearest_name.h"
#include "base/sha256.h"
#include "base/shape_text.h"
#include "data/files/gzip.h"
#include "data/formats/read_split.h"
#include "registry/manifest.h"
#include "registry/registry.h"

namespace gauntlet::registry {
namespace {
namespace fs = std::filesystem;

// Counts and shapes that a reader cannot know.
void check_read(const data::Dataset& data, const DatasetEntry& entry,
                const DatasetEntry::Split& split) {
  const std::string which = "data set '" + entry.id + "', split '" + split.name + "': ";
  if (data.size() != split.samples)
    throw BadInput(which + "the files hold " + std::to_string(data.size()) +
                   " samples, the entry declares " + std::to_string(split.samples));
  if (data.image_shape() != entry.shape)
    throw BadInput(which + "the images are " + dimensions_text(data.image_shape()) +
                   ", the entry declares " + dimensions_text(entry.shape));
}

std::string not_the_file(const fs::path& path, const std::string& dataset) {
  return path.string() + ": is not the file that data set '" + dataset + "' declares: ";
}

// The folder that a data set's file lies in by its name.
fs::path root_of(const fs::path& found, const DatasetEntry::DataFile& file) {
  fs::path root = found;
  for (auto part = file.path.begin(); part != file.path.end(); ++part) root = root.parent_path();
  return root;
}
}  // namespace

data::SplitFiles files_of(const DatasetEntry& entry, const DatasetEntry::Split& split) {
  data::SplitFiles files;
  files.format = split.format;
  files.classes = entry.classes, files.samples = split.samples, files.shape = entry.shape;
  files.class_names = entry.class_names;
  files.resize = split.resize, files.channels_last = split.channels_last;
  files.images = split.images_array, files.labels = split.labels_array;
  return files;
}

// A file packed anew has another hash but the same content, so either one is proof.
bool Registry::verify(const DatasetEntry& entry, const DatasetEntry::DataFile& file,
                      const fs::path& path) {
  if (!file.has_sum()) {
    if (!file.folder && file.bytes > 0 && int64_t(fs::file_size(path)) != file.bytes)
      throw BadInput(not_the_file(path, file.dataset) + "it has " +
                     std::to_string(fs::file_size(path)) + " bytes, expected " +
                     std::to_string(file.bytes));
    return matches_manifest(root_of(path, file), file.path, entry.archive.sha256);
  }
  const std::string found = sha256_of_file(path);
  if (found == file.sha256) return true;
  int64_t most_bytes = 0;
  for (const DatasetEntry::Split& split : entry.splits)
    most_bytes = std::max(most_bytes, files_of(entry, split).most_bytes());
  if (!file.content_sha256.empty() &&
      sha256(data::read_unpacked(path, most_bytes)) == file.content_sha256)
    return true;
  throw BadInput(
      not_the_file(path, file.dataset) + "its SHA-256 is " + found + ", expected " +
      (file.sha256.empty() ? file.content_sha256 + " of the unpacked content" : file.sha256));
}

data::Dataset Registry::load(const std::string& id, const std::string& split) const {
  return load(dataset(id), split);
}

data::Dataset Registry::load(const DatasetEntry& entry, const std::string& name) const {
  const DatasetEntry::Split* split = entry.find_split(name);
  if (!split)
    throw BadInput("data set '" + entry.id + "' has no split '" + name + "'" +
                   suggestion(name, entry.split_names()));
  data::SplitFiles files = files_of(entry, *split);
  for (const DatasetEntry::DataFile& file : split->files) {
    const auto path = find(file);
    if (!path) throw BadInput(absent_data(entry, file));
    verify(entry, file, *path);
    files.paths.push_back(*path);
  }
  data::Dataset data = read_split(files);
  check_read(data, entry, *split);
  data.id = entry.id;
  data.split = name;
  data.class_names = entry.class_names;
  return data;
}

}  // namespace gauntlet::registry
