#pragma once
#include <filesystem>
#include <string>

namespace gauntlet {

/// The file's bytes. Throws BadInput, which names it, where it cannot be read.
std::string whole_file(const std::filesystem::path& file);

}  // namespace gauntlet
