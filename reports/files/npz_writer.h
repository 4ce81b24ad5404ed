// Arrays for other programs: NumPy's .npz, which gauntlet/arrays.h reads.
#pragma once
#include <filesystem>
#include <map>
#include <string>

#include "gauntlet/types.h"

namespace gauntlet::reports::files {

/// What numpy.load() reads, packed as np.savez_compressed packs it: bool, uint8, int32, int64,
/// float32 and float64, row-major, every bit kept. The same arrays give the same file. Throws
/// BadInput where it cannot be written, std::invalid_argument for other types.
void write_npz(const std::filesystem::path& file, const std::map<std::string, Tensor>& arrays);

}  // namespace gauntlet::reports::files
