// Whole files in memory, packed with gzip or not.
#pragma once
#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <string_view>

namespace gauntlet::data {

/// A file's content as it is. Throws BadInput if it cannot be read.
std::string read_bytes(const std::filesystem::path& file);

/// A file's content; of a gzip file (told by its first bytes) what it unpacks to. Throws BadInput
/// if the file cannot be read, its gzip stream is damaged or cut short, or it has or unpacks to
/// more than `most_bytes`.
std::string read_unpacked(const std::filesystem::path& file,
                          int64_t most_bytes = std::numeric_limits<int64_t>::max());

/// Equal content gives equal bytes: no time, no name in the header. Throws std::runtime_error if
/// the file cannot be written.
void write_gzip(const std::filesystem::path& file, std::string_view content);

}  // namespace gauntlet::data
