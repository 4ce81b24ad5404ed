// The store's tables and the marks by which a file is known to be a store.
#pragma once
#include <SQLiteCpp/SQLiteCpp.h>

#include <filesystem>
#include <string>

namespace gauntlet {

inline constexpr int kStoreSchema = 1;

/// Opens or creates. Throws BadInput, with a sentence, for a file that cannot be written or is not
/// a store of this schema.
SQLite::Database open_database(const std::filesystem::path& file);

}  // namespace gauntlet
