#include "registry/registry.h"

#include <algorithm>
#include <set>

#include "base/bad_input.h"
#include "base/nearest_name.h"
#include "registry/registry_entry.h"

namespace gauntlet::registry {
namespace {
namespace fs = std::filesystem;

// Paths of the .toml files below a folder, without the ending.
std::vector<std::string> entry_ids(const fs::path& folder) {
  std::vector<std::string> ids;
  if (!fs::is_directory(folder)) return ids;
  for (const auto& item : fs::recursive_directory_iterator(folder))
    if (item.is_regular_file() && item.path().extension() == ".toml")
      ids.push_back(item.path().lexically_relative(folder).replace_extension().generic_string());
  std::sort(ids.begin(), ids.end());
  return ids;
}

// The entry's file, or BadInput.
fs::path entry_file(const fs::path& folder, const std::string& id, const char* kind) {
  const std::vector<std::string> ids = entry_ids(folder);
  if (!std::binary_search(ids.begin(), ids.end(), id))
    throw BadInput(std::string("the registry has no ") + kind + " '" + id + "'" +
                   (ids.empty() ? "; " + folder.string() + " holds none" : suggestion(id, ids)));
  return folder / (id + ".toml");
}

// Where a file may lie below a folder of data. What has no sum could be anybody's: it is looked for
// only in folders named for its data set.
std::vector<fs::path> folders_below(const fs::path& root, const DatasetEntry::DataFile& file) {
  std::vector<fs::path> out = {root / file.dataset};
  for (const std::string& folder : file.folders) out.push_back(root / folder);
  if (file.has_sum()) out.push_back(root);
  return out;
}

// A .gz file that is known by its content may also lie there unpacked.
std::optional<fs::path> first_of(const std::vector<fs::path>& folders,
                                 const DatasetEntry::DataFile& file) {
  std::vector<fs::path> names = {file.path};
  if (!file.content_sha256.empty() && file.path.extension() == ".gz")
    names.push_back(fs::path(file.path).replace_extension());
  for (const fs::path& folder : folders)
    for (const fs::path& name : names) {
      std::error_code error;  // a folder that cannot be read does not hold it
      const fs::path place = folder / name;
      if (file.folder ? fs::is_directory(place, error) : fs::is_regular_file(place, error))
        return place;
    }
  return {};
}
}  // namespace

const DatasetEntry::Split* DatasetEntry::find_split(std::string_view name) const {
  for (const Split& split : splits)
    if (split.name == name) return &split;
  return nullptr;
}

std::vector<std::string> DatasetEntry::split_names() const {
  std::vector<std::string> names;
  for (const Split& split : splits) names.push_back(split.name);
  return names;
}

Registry::Registry(fs::path folder, std::vector<fs::path> data_roots)
    : folder_(std::move(folder)), data_roots_(std::move(data_roots)) {}

std::vector<std::string> Registry::dataset_ids() const { return entry_ids(folder_ / "datasets"); }
std::vector<std::string> Registry::model_ids() const { return entry_ids(folder_ / "models"); }

DatasetEntry Registry::dataset(const std::string& id) const {
  return read_dataset_entry(entry_file(folder_ / "datasets", id, "data set"), id);
}

ModelEntry Registry::model(const std::string& id) const {
  return read_model_entry(entry_file(folder_ / "models", id, "model"), id);
}

std::vector<fs::path> Registry::places(const DatasetEntry::DataFile& file) const {
  std::vector<fs::path> out = {file.beside};
  for (const fs::path& root : data_roots_)
    for (fs::path& folder : folders_below(root, file)) out.push_back(std::move(folder));
  return out;
}

std::optional<fs::path> Registry::find(const DatasetEntry::DataFile& file) const {
  return first_of(places(file), file);
}

std::optional<fs::path> find_below(const fs::path& root, const DatasetEntry::DataFile& file) {
  return first_of(folders_below(root, file), file);
}

std::string Registry::absent_data(const DatasetEntry& entry,
                                  const DatasetEntry::DataFile& file) const {
  std::string text = "data set '" + entry.id + "': the " + (file.folder ? "folder " : "file ") +
                     file.path.string() + " is absent; looked for";
  std::set<fs::path> told;
  for (const fs::path& place : places(file))
    if (told.insert(place / file.path).second) text += "\n  " + (place / file.path).string();
  if (!entry.archive.urls.empty() || !file.urls.empty())
    text += "\n'gauntlet data get " + entry.id + "' downloads it.";
  if (!entry.obtain.empty()) return text + "\n" + entry.obtain;
  return text + "\nGet it" + (entry.homepage.empty() ? "" : " from " + entry.homepage) +
         " and put it in one of these places, or name its folder with --data or GAUNTLET_DATA.";
}

}  // namespace gauntlet::registry
