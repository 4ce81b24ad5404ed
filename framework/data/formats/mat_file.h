#pragma once
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "gauntlet/types.h"

namespace gauntlet::data {

/// The matrices of a MATLAB 5 file whose names are wanted, of any numbers, their first dimension
/// last; others are left unread. Throws BadInput: the file, what is wrong with it; also for a
/// matrix of more than `most_bytes`.
std::map<std::string, Tensor> read_mat(const std::filesystem::path& path,
                                       const std::vector<std::string>& wanted, int64_t most_bytes);

}  // namespace gauntlet::data
