// Packing a run on a board into a bundle.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "host/plugin_library.h"
#include "host/registry.h"
#include "results/board_entry.h"
#include "results/store.h"

namespace gauntlet {

struct Packed {
  std::vector<BoardEntry> entries;
  std::string sha256;  ///< of the bundle
};

/// Writes the bundle of the latest run of a store. The same run gives the same bytes. Throws
/// BadInput, a line for each thing that is missing, and for a run that is on no board.
Packed pack(const Store& store, const BoardAuthors& about, const PluginLibrary& plugins,
            const Registry& registry, const std::filesystem::path& output);

}  // namespace gauntlet
