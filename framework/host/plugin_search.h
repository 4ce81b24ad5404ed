// Where plugin files lie.
#pragma once
#include <filesystem>
#include <set>
#include <vector>

#include "host/plugin_library.h"

namespace gauntlet {

/// All plugin files of one entry of the plugin path, sorted by path and inspected: the file itself,
/// or every *.so below the folder. Links are followed, and no file or folder is looked at twice:
/// `seen` holds the real paths of those that were. Throws BadInput if there is no such file or
/// folder.
std::vector<PluginFile> find_plugins(const std::filesystem::path& entry,
                                     std::set<std::filesystem::path>& seen);

}  // namespace gauntlet
