#include "results/schema.h"

#include <sqlite3.h>
#include <unistd.h>

#include "base/bad_input.h"
#include "results/sql.h"

namespace gauntlet::results {
namespace {
namespace fs = std::filesystem;

constexpr int kApplicationId = 0x474e544c;  // "GNTL", in the header of the file
constexpr int kBusyMilliseconds = 30000;

int pragma(SQLite::Database& database, const std::string& name) {
  return database.execAndGet("PRAGMA " + name).getInt();
}

/// A run names its records in order.
std::string member_table(const std::string& records) {
  return "CREATE TABLE IF NOT EXISTS run_" + records +
         " (run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE, position INTEGER NOT NULL, "
         "record INTEGER NOT NULL REFERENCES " +
         records +
         " ON DELETE CASCADE, seal TEXT NOT NULL DEFAULT '', PRIMARY KEY (run, position), "
         "UNIQUE (run, record)) WITHOUT ROWID";
}

/// Of a table of records.
const std::string kKey = ", seal TEXT NOT NULL DEFAULT '', UNIQUE (identity, fingerprint))";

void create_tables(SQLite::Database& database) {
  database.exec("CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID");
  database.exec("CREATE TABLE cells (id INTEGER PRIMARY KEY, " + columns<CellRecord>().definitions +
                kKey);
  database.exec(
      "CREATE TABLE outcomes (cell INTEGER NOT NULL REFERENCES cells ON DELETE CASCADE, "
      "position INTEGER NOT NULL, " +
      columns<Outcome>().definitions + ", PRIMARY KEY (cell, position)) WITHOUT ROWID");
  database.exec("CREATE TABLE worst_cases (id INTEGER PRIMARY KEY, " +
                columns<WorstCase>().definitions + kKey);
  database.exec(
      "CREATE TABLE runs (id INTEGER PRIMARY KEY, suite TEXT NOT NULL, "
      "settings TEXT NOT NULL, started TEXT NOT NULL, finished TEXT NOT NULL, "
      "complete INTEGER NOT NULL, host TEXT NOT NULL DEFAULT '', "
      "members TEXT NOT NULL DEFAULT '', seal TEXT NOT NULL DEFAULT '')");
  database.exec(member_table("cells"));
  database.exec(member_table("worst_cases"));
  SQLite::Statement meta(database, "INSERT INTO meta VALUES ('schema_version', ?), ('created', ?)");
  meta.bind(1, std::to_string(kStoreSchema));
  meta.bind(2, utc_now());
  meta.exec();
  database.exec("PRAGMA application_id=" + std::to_string(kApplicationId));
  database.exec("PRAGMA user_version=" + std::to_string(kStoreSchema));
}

void add_column(SQLite::Database& database, const std::string& table, const std::string& column,
                const std::string& fallback = "") {
  database.exec("ALTER TABLE " + table + " ADD COLUMN " + column + " TEXT NOT NULL DEFAULT '" +
                fallback + "'");
}

void add_seals(SQLite::Database& database, int version) {
  if (version < 2)
    for (const char* column : {"clean_by_trial", "robust_by_trial"})
      add_column(database, "cells", column, "[]");
  add_column(database, "cells", "x_adv_sha256");
  add_column(database, "worst_cases", "flags", "[]");
  add_column(database, "worst_cases", "reason");
  for (const char* column : {"host", "members"}) add_column(database, "runs", column);
  for (const char* table : {"cells", "worst_cases", "certifications", "runs", "run_cells",
                            "run_worst_cases", "run_certifications"})
    if (database.tableExists(table)) add_column(database, table, "seal");
}

/// Schema 1 did not tell a cell's trials apart, schema 2 had no seals: its records are held against
/// their outcomes where they are read. Schema 3 did not tell the halves of trials apart, schema 4
/// kept no scores of detectors.
void upgrade(SQLite::Database& database, int version) {
  const auto has = [&](const char* table, const char* column) {
    return database
               .execAndGet(std::string("SELECT count(*) FROM pragma_table_info('") + table +
                           "') WHERE name = '" + column + "'")
               .getInt() > 0;
  };
  if (!has("cells", "scores")) add_column(database, "cells", "scores");
  if (!has("outcomes", "robust_first"))
    database.exec("ALTER TABLE outcomes ADD COLUMN robust_first INTEGER");
  if (version < 3) add_seals(database, version);
  database.exec("UPDATE meta SET value = '" + std::to_string(kStoreSchema) +
                "' WHERE name = 'schema_version'");
  database.exec("PRAGMA user_version=" + std::to_string(kStoreSchema));
}

/// Tables that stores of before certification and audits lack; whoever does not know them passes
/// them by, so the schema's number stays.
void add_later_tables(SQLite::Database& database) {
  database.exec("CREATE TABLE IF NOT EXISTS certifications (id INTEGER PRIMARY KEY, " +
                columns<Certification>().definitions + kKey);
  database.exec(
      "CREATE TABLE IF NOT EXISTS certificates (certification INTEGER NOT NULL REFERENCES "
      "certifications ON DELETE CASCADE, position INTEGER NOT NULL, " +
      columns<CertifiedSample>().definitions +
      ", PRIMARY KEY (certification, position)) WITHOUT ROWID");
  database.exec(member_table("certifications"));
  database.exec("CREATE TABLE IF NOT EXISTS audits (id INTEGER PRIMARY KEY, " +
                columns<RowAudit>().definitions + kKey);
  database.exec(member_table("audits"));
}

/// The schema of a file; 0 of an empty one, which a process killed at its very start leaves too.
int schema_of(SQLite::Database& database, const std::string& file) {
  const int application = pragma(database, "application_id");
  const int version = pragma(database, "user_version");
  const bool empty = database.execAndGet("SELECT count(*) FROM sqlite_master").getInt() == 0;
  if (empty && application == 0 && version == 0) return 0;
  if (application != kApplicationId)
    throw BadInput(file +
                   ": is an SQLite database, but not one of Gauntlet's; name another output "
                   "folder or move the file away");
  if (version >= 1 && version <= kStoreSchema) return version;
  const std::string age = version > kStoreSchema ? "newer" : "older";
  throw BadInput(file + ": was written by a" + (age[0] == 'o' ? "n " : " ") + age +
                 " Gauntlet (store schema " + std::to_string(version) + ", this one reads " +
                 std::to_string(kStoreSchema) + "); use that version or another output folder");
}

void create_or_upgrade(SQLite::Database& database, const std::string& file) {
  SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
  const int version = schema_of(database, file);
  if (version == 0)
    create_tables(database);
  else if (version < kStoreSchema)
    upgrade(database, version);
  add_later_tables(database);
  transaction.commit();
}

[[noreturn]] void fail(const std::string& file, const SQLite::Exception& error) {
  if (error.getErrorCode() == SQLITE_NOTADB)
    throw BadInput(file +
                   ": is not an SQLite database; name another output folder or move the "
                   "file away");
  throw BadInput(file + ": cannot be used as a store: " + error.what());
}

/// What SQLite keeps beside a database until it is part of it.
const char* const kBeside[] = {"-wal", "-journal"};

bool is_whole(const std::string& file) {
  std::error_code error;
  for (const char* suffix : kBeside)
    if (const auto bytes = fs::file_size(file + suffix, error); !error && bytes > 0) return false;
  return true;
}

std::string uri_of(const std::string& file) {
  std::string out = "file:";
  for (const char c : fs::absolute(file).string()) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) || c == '/' || c == '.' || c == '-' || c == '_')
      out += c;
    else
      out += {'%', "0123456789ABCDEF"[byte >> 4], "0123456789ABCDEF"[byte & 15]};
  }
  return out;
}

/// A copy that nothing but the returned connection leads to, with all that lay beside it.
SQLite::Database open_copy(const std::string& file) {
  std::string folder = (fs::temp_directory_path() / "gauntlet-store-XXXXXX").string();
  if (!mkdtemp(folder.data()))
    throw BadInput(folder + ": cannot be made; a store that cannot be written is copied there");
  const std::string copy = folder + "/results.sqlite";
  try {
    for (const char* suffix : {"", kBeside[0], kBeside[1]}) {
      if (!fs::exists(file + suffix)) continue;
      fs::copy_file(file + suffix, copy + suffix);
      fs::permissions(copy + suffix, fs::perms::owner_read | fs::perms::owner_write);
    }
    SQLite::Database database = open_database(copy);
    database.execAndGet("PRAGMA journal_mode=MEMORY");  // nothing is kept beside it any more
    fs::remove_all(folder);
    return database;
  } catch (const std::exception& error) {
    std::error_code ignored;
    fs::remove_all(folder, ignored);
    throw BadInput(file + ": cannot be read from a copy in " + folder + ": " + error.what());
  }
}

}  // namespace

SQLite::Database open_database(const std::filesystem::path& path) {
  const std::string file = path.string();
  try {
    SQLite::Database database(file, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE,
                              kBusyMilliseconds);
    if (sqlite3_db_readonly(database.getHandle(), "main") == 1)
      throw BadInput(file + ": cannot be written; name another output folder or change its rights");
    database.exec("PRAGMA foreign_keys=ON");
    create_or_upgrade(database, file);
    // Readers go on while a run writes. Where the file system cannot, SQLite stays with its
    // journal.
    database.execAndGet("PRAGMA journal_mode=WAL");
    database.exec("PRAGMA synchronous=NORMAL");
    return database;
  } catch (const SQLite::Exception& error) {
    fail(file, error);
  }
}

bool can_be_written(const fs::path& file) {
  const fs::path folder = file.has_parent_path() ? file.parent_path() : ".";
  return access(folder.c_str(), W_OK) == 0 &&
         (access(file.c_str(), F_OK) != 0 || access(file.c_str(), W_OK) == 0);
}

SQLite::Database open_to_read(const fs::path& path) {
  const std::string file = path.string();
  try {
    // A store that is whole and cannot be written does not change. One that is not may be at work:
    // then its own log is read, where that can be.
    const bool whole = is_whole(file);
    try {
      SQLite::Database database(whole ? uri_of(file) + "?immutable=1" : file,
                                SQLite::OPEN_READONLY | SQLite::OPEN_URI, kBusyMilliseconds);
      if (schema_of(database, file) == kStoreSchema) return database;
    } catch (const SQLite::Exception&) {
      if (whole) throw;
    }
    return open_copy(file);
  } catch (const SQLite::Exception& error) {
    fail(file, error);
  }
}

}  // namespace gauntlet::results
