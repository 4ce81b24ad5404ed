// The entries of all boards, as they lie in registry/results/.
#pragma once
#include <filesystem>
#include <vector>

#include "boards/entry.h"

namespace gauntlet::boards {

/// Of every file <folder>/<board>/<id>.json, by board and id. Files of other names are left alone.
/// Throws BadInput, one sentence that names the file, for an entry that cannot be read, lies in the
/// folder of another board, or claims what its own outcomes do not bear out; and for a folder that
/// is not there.
std::vector<BoardEntry> read_board_results(const std::filesystem::path& folder);

}  // namespace gauntlet::boards
