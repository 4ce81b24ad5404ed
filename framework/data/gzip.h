// Whole files in memory, packed with gzip or not.
#pragma once
#include <filesystem>
#include <string>
#include <string_view>

namespace gauntlet {

/// A file's content; of a gzip file (told by its first bytes) what it unpacks to. Throws BadInput
/// if the file cannot be read or its gzip stream is damaged or cut short.
std::string read_unpacked(const std::filesystem::path& file);

/// Equal content gives equal bytes: no time, no name in the header. Throws std::runtime_error if
/// the file cannot be written.
void write_gzip(const std::filesystem::path& file, std::string_view content);

}  // namespace gauntlet
