// What ships beside the program: data sets and models, each a TOML file with hashes.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "registry/entries.h"

namespace gauntlet::registry {

/// What a reader of data needs of an entry; the paths are still to be added.
data::SplitFiles files_of(const DatasetEntry& entry, const DatasetEntry::Split& split);
/// A file of a data set below a folder of data, or nullopt.
std::optional<std::filesystem::path> find_below(const std::filesystem::path& root,
                                                const DatasetEntry::DataFile& file);

/// All entries below a registry folder, parsed when asked for.
class Registry {
 public:
  /// Missing folders are an empty registry. `data_roots`: where data files are looked for, in
  /// order.
  Registry(std::filesystem::path folder, std::vector<std::filesystem::path> data_roots);

  std::vector<std::string> dataset_ids() const;
  std::vector<std::string> model_ids() const;
  /// Throws BadInput: unknown id (with the nearest one), or a malformed entry (file, line, column).
  DatasetEntry dataset(const std::string& id) const;
  ModelEntry model(const std::string& id) const;
  /// Throws BadInput where the file that was found is not the one the entry declares. False: no sum
  /// is known that would tell, neither the entry's nor that of a verified archive's manifest.
  static bool verify(const DatasetEntry& entry, const DatasetEntry::DataFile& file,
                     const std::filesystem::path& path);
  /// Where a file of a data set lies, or nullopt if none of the roots has it.
  std::optional<std::filesystem::path> find(const DatasetEntry::DataFile& file) const;
  /// Reads and verifies. BadInput says which file is absent, where it was looked for, and how to
  /// get it.
  data::Dataset load(const std::string& id, const std::string& split) const;
  /// The same for an entry that need not be of this registry (a suite's `path`).
  data::Dataset load(const DatasetEntry& entry, const std::string& name) const;
  /// Why a file cannot be read: the places it was looked for in, one a line, and how to get it.
  std::string absent_data(const DatasetEntry& entry, const DatasetEntry::DataFile& file) const;
  /// Every folder find() looks in, in order.
  std::vector<std::filesystem::path> places(const DatasetEntry::DataFile& file) const;

 private:
  std::filesystem::path folder_;
  std::vector<std::filesystem::path> data_roots_;
};

}  // namespace gauntlet::registry
