/// @file
/// Arrays that other programs write, for plugins whose parameter is a file.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "gauntlet/types.h"

namespace gauntlet {

/// The arrays of a NumPy .npz file by name, as np.savez and np.savez_compressed write them: bool,
/// whole numbers, float32 and float64, row-major on the CPU. `wanted`: only these, where they are
/// there; empty: all. An array of more than `most_bytes` is refused unread; 0: of more than a file
/// of this size can be expected to hold.
/// Throws ParamError, which names the file and says what is wrong with it.
GAUNTLET_API std::map<std::string, Tensor> read_npz(const std::string& file,
                                                    const std::vector<std::string>& wanted = {},
                                                    int64_t most_bytes = 0);

}  // namespace gauntlet
