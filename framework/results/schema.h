// The store's tables and the marks by which a file is known to be a store.
#pragma once
#include <SQLiteCpp/SQLiteCpp.h>

#include <filesystem>
#include <string>

namespace gauntlet {

inline constexpr int kStoreSchema = 2;

/// Opens or creates; a store of schema 1 is brought up to this one. Throws BadInput, with a
/// sentence, for a file that cannot be written or is not a store of these schemas.
SQLite::Database open_database(const std::filesystem::path& file);

}  // namespace gauntlet
