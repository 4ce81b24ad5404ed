#pragma once
#include <filesystem>
#include <string>

namespace gauntlet {

/// A reader sees the old file or the new one, never half of one. Throws BadInput if it cannot be
/// written.
void write_atomically(const std::filesystem::path& file, const std::string& text);

}  // namespace gauntlet
