// Where plugin files lie.
#pragma once
#include <filesystem>
#include <set>
#include <vector>

#include "library/stamp.h"

namespace gauntlet::library {

/// The stamp of this host: what a plugin must match.
Stamp host_stamp();
/// Reads a file's stamp and compares it with this host's.
PluginFile inspect_plugin(const std::filesystem::path& file);

/// All plugin files of one entry of the plugin path, sorted by path and inspected: the file itself,
/// or every *.so below the folder. Links are followed, and no file or folder is looked at twice:
/// `seen` holds the real paths of those that were. Throws BadInput if there is no such file or
/// folder.
std::vector<PluginFile> find_plugins(const std::filesystem::path& entry,
                                     std::set<std::filesystem::path>& seen);

}  // namespace gauntlet::library
