// Records in the store's tables: written with their rows and seal, read only as they were written.
#pragma once
#include <optional>
#include <stdexcept>

#include "results/outcomes.h"
#include "results/seal.h"
#include "results/sql.h"

namespace gauntlet::results {

/// The table of a record, and that of what it has one of for each sample.
template <typename Record>
struct TableOf;
template <>
struct TableOf<CellRecord> {
  static constexpr const char *name = "cells", *rows = "outcomes", *record = "cell";
};
template <>
struct TableOf<WorstCase> {
  static constexpr const char* name = "worst_cases";
};
template <>
struct TableOf<Certification> {
  static constexpr const char *name = "certifications", *rows = "certificates",
                              *record = "certification";
};
template <>
struct TableOf<RowAudit> {
  static constexpr const char* name = "audits";
};

/// A page of the file that is no page: what lies there is lost, the rest is not.
inline bool is_damage(const SQLite::Exception& error) {
  return (error.getErrorCode() & 0xff) == 11;  // SQLITE_CORRUPT
}

template <typename Record>
std::optional<int64_t> find_id(SQLite::Database& database, const std::string& identity,
                               const std::string& fingerprint) {
  SQLite::Statement statement(database, std::string("SELECT id FROM ") + TableOf<Record>::name +
                                            " WHERE identity = ? AND fingerprint = ?");
  statement.bind(1, identity);
  statement.bind(2, fingerprint);
  if (!statement.executeStep()) return std::nullopt;
  return statement.getColumn(0).getInt64();
}

namespace detail {
template <typename Record>
void read_rows(SQLite::Database& database, int64_t id, Record& record) {
  using Row = typename std::remove_cvref_t<decltype(rows_of(record))>::value_type;
  SQLite::Statement rows(database, "SELECT " + columns<Row>().names + " FROM " +
                                       TableOf<Record>::rows + " WHERE " + TableOf<Record>::record +
                                       " = ? ORDER BY position");
  rows.bind(1, id);
  while (rows.executeStep()) visit_columns(Read(rows), rows_of(record).emplace_back());
}

template <typename Record>
void write_rows(SQLite::Database& database, int64_t id, const Record& record) {
  using Row = typename std::remove_cvref_t<decltype(rows_of(record))>::value_type;
  const std::string table = TableOf<Record>::rows, column = TableOf<Record>::record;
  database.exec("DELETE FROM " + table + " WHERE " + column + " = " + std::to_string(id));
  const ColumnText& text = columns<Row>();
  SQLite::Statement insert(database, "INSERT INTO " + table + " (" + text.names + ", " + column +
                                         ", position) VALUES (" + text.marks + ", ?, ?)");
  int64_t position = 0;
  for (const Row& row : rows_of(record)) {
    Bind bind(insert);
    visit_columns(bind, row);
    bind(column.c_str(), id);
    bind("position", position++);
    insert.exec();
    insert.reset();
  }
}

/// Of stores of before seals: whether a record says what its outcomes do.
inline bool agrees_with_rows(const CellRecord& record) { return contradictions(record).empty(); }
template <typename Record>
bool agrees_with_rows(const Record&) {
  return true;
}
}  // namespace detail

/// Keeps the row's id where the record is known, so that older runs go on naming it.
template <typename Record>
void write_kept(SQLite::Database& database, const Record& record) {
  const ColumnText& text = columns<Record>();
  SQLite::Statement statement(
      database, std::string("INSERT INTO ") + TableOf<Record>::name + " (" + text.names +
                    ", seal) VALUES (" + text.marks +
                    ", ?) ON CONFLICT (identity, fingerprint) DO UPDATE SET " + text.updates +
                    ", seal=excluded.seal RETURNING id");
  Bind bind(statement);
  visit_columns(bind, record);
  bind("seal", seal_of(record));
  statement.executeStep();
  const int64_t id = statement.getColumn(0).getInt64();
  statement.reset();  // ends the statement, without which the transaction could not commit
  if constexpr (HasRows<Record>) detail::write_rows(database, id, record);
}

/// The record of an id with its rows; nullopt where it is lost or not as it was written.
template <typename Record>
std::optional<Record> read_kept(SQLite::Database& database, int64_t id) {
  try {
    SQLite::Statement row(database, "SELECT " + columns<Record>().names + ", seal FROM " +
                                        TableOf<Record>::name + " WHERE id = ?");
    row.bind(1, id);
    if (!row.executeStep()) return std::nullopt;
    Record record;
    visit_columns(Read(row), record);
    if constexpr (HasRows<Record>) detail::read_rows(database, id, record);
    const std::string seal = row.getColumn("seal").getString();
    if (seal.empty() ? detail::agrees_with_rows(record) : seal == seal_of(record)) return record;
  } catch (const nlohmann::json::exception&) {
  } catch (const std::invalid_argument&) {  // a status that is none
  } catch (const SQLite::Exception& error) {
    if (!is_damage(error)) throw;
  }
  return std::nullopt;
}

}  // namespace gauntlet::results
