#pragma once
#include <filesystem>
#include <string>
#include <string_view>

namespace gauntlet {

/// 64 hex digits.
std::string sha256(std::string_view bytes);
/// Of a file's content. Throws BadInput if it cannot be read.
std::string sha256_of_file(const std::filesystem::path& file);

}  // namespace gauntlet
