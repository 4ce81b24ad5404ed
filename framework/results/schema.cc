#include "results/schema.h"

#include <sqlite3.h>

#include "base/bad_input.h"
#include "results/sql.h"

namespace gauntlet {
namespace {

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
         " ON DELETE CASCADE, PRIMARY KEY (run, position), UNIQUE (run, record)) WITHOUT ROWID";
}

void create_tables(SQLite::Database& database) {
  const std::string key = ", UNIQUE (identity, fingerprint))";
  database.exec("CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID");
  database.exec("CREATE TABLE cells (id INTEGER PRIMARY KEY, " + columns<CellRecord>().definitions +
                key);
  database.exec(
      "CREATE TABLE outcomes (cell INTEGER NOT NULL REFERENCES cells ON DELETE CASCADE, "
      "position INTEGER NOT NULL, " +
      columns<Outcome>().definitions + ", PRIMARY KEY (cell, position)) WITHOUT ROWID");
  database.exec("CREATE TABLE worst_cases (id INTEGER PRIMARY KEY, " +
                columns<WorstCase>().definitions + key);
  database.exec(
      "CREATE TABLE runs (id INTEGER PRIMARY KEY, suite TEXT NOT NULL, "
      "settings TEXT NOT NULL, started TEXT NOT NULL, finished TEXT NOT NULL, "
      "complete INTEGER NOT NULL)");
  database.exec(member_table("cells"));
  database.exec(member_table("worst_cases"));
  SQLite::Statement meta(database, "INSERT INTO meta VALUES ('schema_version', ?), ('created', ?)");
  meta.bind(1, std::to_string(kStoreSchema));
  meta.bind(2, utc_now());
  meta.exec();
  database.exec("PRAGMA application_id=" + std::to_string(kApplicationId));
  database.exec("PRAGMA user_version=" + std::to_string(kStoreSchema));
}

/// Schema 1 did not tell a cell's trials apart.
void upgrade(SQLite::Database& database) {
  for (const char* column : {"clean_by_trial", "robust_by_trial"})
    database.exec(std::string("ALTER TABLE cells ADD COLUMN ") + column +
                  " TEXT NOT NULL DEFAULT '[]'");
  database.exec("UPDATE meta SET value = '" + std::to_string(kStoreSchema) +
                "' WHERE name = 'schema_version'");
  database.exec("PRAGMA user_version=" + std::to_string(kStoreSchema));
}

/// Tables that stores of before certification lack; whoever does not know them passes them by, so
/// the schema's number stays.
void add_certification_tables(SQLite::Database& database) {
  database.exec("CREATE TABLE IF NOT EXISTS certifications (id INTEGER PRIMARY KEY, " +
                columns<Certification>().definitions + ", UNIQUE (identity, fingerprint))");
  database.exec(
      "CREATE TABLE IF NOT EXISTS certificates (certification INTEGER NOT NULL REFERENCES "
      "certifications ON DELETE CASCADE, position INTEGER NOT NULL, " +
      columns<CertifiedSample>().definitions +
      ", PRIMARY KEY (certification, position)) WITHOUT ROWID");
  database.exec(member_table("certifications"));
}

/// Creates the tables in an empty file, which a process killed at its very start leaves too.
void check_or_create(SQLite::Database& database, const std::string& file) {
  SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
  const int application = pragma(database, "application_id");
  const int version = pragma(database, "user_version");
  const bool empty = database.execAndGet("SELECT count(*) FROM sqlite_master").getInt() == 0;
  if (empty && application == 0 && version == 0) {
    create_tables(database);
  } else if (application != kApplicationId) {
    throw BadInput(file +
                   ": is an SQLite database, but not one of Gauntlet's; name another output "
                   "folder or move the file away");
  } else if (version == 1) {
    upgrade(database);
  } else if (version != kStoreSchema) {
    const std::string age = version > kStoreSchema ? "newer" : "older";
    throw BadInput(file + ": was written by a" + (age[0] == 'o' ? "n " : " ") + age +
                   " Gauntlet (store schema " + std::to_string(version) + ", this one reads " +
                   std::to_string(kStoreSchema) + "); use that version or another output folder");
  }
  add_certification_tables(database);
  transaction.commit();
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
    check_or_create(database, file);
    // Readers go on while a run writes. Where the file system cannot, SQLite stays with its
    // journal.
    database.execAndGet("PRAGMA journal_mode=WAL");
    database.exec("PRAGMA synchronous=NORMAL");
    return database;
  } catch (const SQLite::Exception& error) {
    if (error.getErrorCode() == SQLITE_NOTADB)
      throw BadInput(file +
                     ": is not an SQLite database; name another output folder or move the "
                     "file away");
    throw BadInput(file + ": cannot be used as a store: " + error.what());
  }
}

}  // namespace gauntlet
