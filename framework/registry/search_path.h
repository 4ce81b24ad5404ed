// Where data, weights and the registry are looked for.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "registry/entries.h"

namespace gauntlet::registry {

/// Where data is looked for: --data, GAUNTLET_DATA, ../shared/data of the source tree if present,
/// the XDG cache, Debian's data set packages. Flag and variable may hold several, colon-separated.
std::vector<std::filesystem::path> data_search_path(const std::string& flag);
/// The first of --data, GAUNTLET_DATA and the XDG cache that can be written to, made if need be.
/// Throws BadInput if none can.
std::filesystem::path writable_data_root(const std::string& flag);
/// Where weights that do not lie beside the entry or suite are looked for: GAUNTLET_WEIGHTS
/// (colon-separated); where it is not set, ../shared/weights of the source tree if present.
std::vector<std::filesystem::path> weights_search_path();
/// `name` in `beside`, else below weights_search_path(); where it is nowhere, in `beside`.
std::filesystem::path find_weights(const std::filesystem::path& name,
                                   const std::filesystem::path& beside);
/// Why these weights cannot be read, one sentence: where they were looked for and what to do.
std::string absent_weights(const ModelEntry& model);
/// The registry folder: GAUNTLET_REGISTRY, that of the source tree, or the installed one.
std::filesystem::path default_registry();

/// Folders that ship with the program and that a variable (colon-separated) adds to, before them:
/// `folder` of the source tree, or of share/gauntlet where the program is installed.
std::vector<std::filesystem::path> shipped_search_path(const char* variable,
                                                       const std::string& folder);

}  // namespace gauntlet::registry
