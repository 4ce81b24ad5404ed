// The store's tables and the marks by which a file is known to be a store.
#pragma once
#include <SQLiteCpp/SQLiteCpp.h>

#include <filesystem>
#include <string>

namespace gauntlet::results {

inline constexpr int kStoreSchema = 5;

/// Opens or creates; a store of an older schema is brought up to this one. Throws BadInput, with a
/// sentence, for a file that cannot be written or is not a store of these schemas.
SQLite::Database open_database(const std::filesystem::path& path);

/// Whether the file and its folder can be written by this process.
bool can_be_written(const std::filesystem::path& file);
/// Opens a file that cannot be written, on a disk that cannot be written either. What a killed
/// process left beside it is read with it. Throws as open_database() does.
SQLite::Database open_to_read(const std::filesystem::path& path);

}  // namespace gauntlet::results
