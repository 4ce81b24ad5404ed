// Packing a run on a board into a bundle.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "boards/entry.h"
#include "library/plugin_library.h"
#include "registry/registry.h"
#include "results/store.h"

namespace gauntlet::bundle {

struct Packed {
  std::vector<boards::BoardEntry> entries;
  std::string sha256;  ///< of the bundle
};

/// Writes the bundle of the latest run of a store. The same run gives the same bytes. Throws
/// BadInput, a line for each thing that is missing, and for a run that is on no board.
Packed pack(const results::Store& store, const boards::BoardAuthors& about,
            const library::PluginLibrary& plugins, const registry::Registry& registry,
            const std::filesystem::path& output);

}  // namespace gauntlet::bundle
