// Getting a data set's files: from the network or from files that are already on disk.
#pragma once
#include "data/files/download.h"
#include "registry/registry.h"

namespace gauntlet::registry {

struct ObtainOptions {
  std::filesystem::path to;    ///< files go to `to`/<id>
  std::filesystem::path from;  ///< a folder that has them; empty: the network
  data::DownloadOptions download = {};
  /// Called before each file: its name and what is done ("is there", "copying", "downloading").
  std::function<void(const std::string& name, const std::string& what)> begins = {};
};

/// Puts every file of the entry that is not found yet below `to`. A file appears under its name
/// only when its sum is right. Throws BadInput: what is missing or wrong, and what was expected.
void obtain(const Registry& registry, const DatasetEntry& entry, const ObtainOptions& options);

}  // namespace gauntlet::registry
