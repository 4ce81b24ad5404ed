#include "results/store.h"

#include "base/bad_input.h"
#include "results/schema.h"
#include "results/sql.h"

namespace gauntlet {
namespace {

namespace fs = std::filesystem;

fs::path make_folders(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder / "artifacts", error);
  if (error) throw BadInput(folder.string() + ": cannot be made or written: " + error.message());
  return folder;
}

void check_json(const std::string& text, const char* what) {
  if (text.empty() || nlohmann::json::parse(text, nullptr, false).is_object()) return;
  throw std::invalid_argument(std::string(what) + " is not a JSON object: " + text.substr(0, 80));
}

/// Keeps the row's id where the record is known, so that older runs go on naming it.
template <typename Record>
int64_t upsert(SQLite::Database& database, const std::string& table, const Record& record) {
  const ColumnText& text = columns<Record>();
  SQLite::Statement statement(database, "INSERT INTO " + table + " (" + text.names + ") VALUES (" +
                                            text.marks +
                                            ") ON CONFLICT (identity, fingerprint) DO UPDATE SET " +
                                            text.updates + " RETURNING id");
  visit_columns(Bind(statement), record);
  statement.executeStep();
  const int64_t id = statement.getColumn(0).getInt64();
  statement.reset();  // ends the statement, without which the transaction could not commit
  return id;
}

std::optional<int64_t> find_id(SQLite::Database& database, const std::string& table,
                               const std::string& identity, const std::string& fingerprint) {
  SQLite::Statement statement(
      database, "SELECT id FROM " + table + " WHERE identity = ? AND fingerprint = ?");
  statement.bind(1, identity);
  statement.bind(2, fingerprint);
  if (!statement.executeStep()) return std::nullopt;
  return statement.getColumn(0).getInt64();
}

template <typename Record>
Record read_record(SQLite::Statement& row) {
  Record record;
  visit_columns(Read(row), record);
  return record;
}

template <typename Record>
std::vector<Record> members(SQLite::Database& database, const std::string& table, int64_t run) {
  SQLite::Statement rows(database, "SELECT " + columns<Record>().names + " FROM " + table +
                                       " JOIN run_" + table + " ON record = id WHERE run = ? " +
                                       "ORDER BY position");
  rows.bind(1, run);
  std::vector<Record> records;
  while (rows.executeStep()) records.push_back(read_record<Record>(rows));
  return records;
}

/// What a record has one of for each sample: a table, and the column that names the record.
template <typename Row>
struct RowTable;
template <>
struct RowTable<Outcome> {
  static constexpr const char *name = "outcomes", *record = "cell";
};
template <>
struct RowTable<CertifiedSample> {
  static constexpr const char *name = "certificates", *record = "certification";
};

template <typename Row>
std::vector<Row> read_rows(SQLite::Database& database, int64_t record) {
  const std::string table = RowTable<Row>::name;
  SQLite::Statement rows(database, "SELECT " + columns<Row>().names + " FROM " + table + " WHERE " +
                                       RowTable<Row>::record + " = ? ORDER BY position");
  rows.bind(1, record);
  std::vector<Row> list;
  while (rows.executeStep()) visit_columns(Read(rows), list.emplace_back());
  return list;
}

template <typename Row>
void write_rows(SQLite::Database& database, int64_t record, const std::vector<Row>& list) {
  const std::string table = RowTable<Row>::name, column = RowTable<Row>::record;
  database.exec("DELETE FROM " + table + " WHERE " + column + " = " + std::to_string(record));
  const ColumnText& text = columns<Row>();
  SQLite::Statement insert(database, "INSERT INTO " + table + " (" + text.names + ", " + column +
                                         ", position) VALUES (" + text.marks + ", ?, ?)");
  for (size_t i = 0; i < list.size(); ++i) {
    Bind bind(insert);
    visit_columns(bind, list[i]);
    bind(column.c_str(), record);
    bind("position", static_cast<int64_t>(i));
    insert.exec();
    insert.reset();
  }
}

/// An ok or invalid record of `table`, without what it has for each sample, and its id.
template <typename Record>
std::optional<std::pair<Record, int64_t>> find_answer(SQLite::Database& database,
                                                      const std::string& table,
                                                      const std::string& identity,
                                                      const std::string& fingerprint) {
  SQLite::Statement row(database, "SELECT " + columns<Record>().names + ", id FROM " + table +
                                      " WHERE identity = ? AND fingerprint = ? "
                                      "AND status IN ('ok', 'invalid')");
  row.bind(1, identity);
  row.bind(2, fingerprint);
  if (!row.executeStep()) return std::nullopt;
  return std::pair{read_record<Record>(row), row.getColumn("id").getInt64()};
}

}  // namespace

struct Store::State {
  explicit State(const fs::path& path)
      : folder(make_folders(path)), database(open_database(folder / "results.sqlite")) {}

  /// A full disk or a lock that is never given up is the person's to mend.
  auto guarded(const auto& work) {
    try {
      return work();
    } catch (const SQLite::Exception& error) {
      throw BadInput((folder / "results.sqlite").string() + ": " + error.what());
    }
  }

  void add_member(const std::string& table, const std::string& identity,
                  const std::string& fingerprint) {
    if (run == 0) throw std::logic_error("a record is added to a run before begin_run");
    SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
    const std::optional<int64_t> record = find_id(database, table, identity, fingerprint);
    if (!record) throw std::logic_error("a run names a record that is not in the store");
    SQLite::Statement insert(database, "INSERT OR IGNORE INTO run_" + table +
                                           " (run, position, record) SELECT ?1, "
                                           "ifnull(max(position) + 1, 0), ?2 FROM run_" +
                                           table + " WHERE run = ?1");
    insert.bind(1, run);
    insert.bind(2, *record);
    insert.exec();
    transaction.commit();
  }

  fs::path folder;
  SQLite::Database database;
  int64_t run = 0;  // of this process; 0 until begin_run
};

Store::Store(const fs::path& folder) : state_(std::make_unique<State>(folder)) {}
Store::~Store() = default;

const fs::path& Store::folder() const { return state_->folder; }
fs::path Store::artifacts() const { return folder() / "artifacts"; }

fs::path Store::artifact(const std::string& identity) const {
  const bool plain = std::all_of(identity.begin(), identity.end(),
                                 [](unsigned char c) { return std::isalnum(c) || c == '-'; });
  if (identity.empty() || !plain)
    throw std::invalid_argument("'" + identity + "' is no identity to name a file by");
  return artifacts() / (identity + ".safetensors");
}

std::optional<CellRecord> Store::find(const std::string& identity,
                                      const std::string& fingerprint) const {
  return state_->guarded([&]() -> std::optional<CellRecord> {
    SQLite::Database& database = state_->database;
    SQLite::Transaction snapshot(database);
    auto found = find_answer<CellRecord>(database, "cells", identity, fingerprint);
    if (!found) return std::nullopt;
    found->first.outcomes = read_rows<Outcome>(database, found->second);
    return std::move(found->first);
  });
}

std::optional<Certification> Store::find_certification(const std::string& identity,
                                                       const std::string& fingerprint) const {
  return state_->guarded([&]() -> std::optional<Certification> {
    SQLite::Database& database = state_->database;
    SQLite::Transaction snapshot(database);
    auto found = find_answer<Certification>(database, "certifications", identity, fingerprint);
    if (!found) return std::nullopt;
    found->first.certificates = read_rows<CertifiedSample>(database, found->second);
    return std::move(found->first);
  });
}

std::optional<WorstCase> Store::find_worst_case(const std::string& identity,
                                                const std::string& fingerprint) const {
  return state_->guarded([&]() -> std::optional<WorstCase> {
    SQLite::Statement row(state_->database,
                          "SELECT " + columns<WorstCase>().names +
                              " FROM worst_cases WHERE identity = ? AND fingerprint = ?");
    row.bind(1, identity);
    row.bind(2, fingerprint);
    if (!row.executeStep()) return std::nullopt;
    return read_record<WorstCase>(row);
  });
}

void Store::put(const CellRecord& record) {
  check_json(record.parameters, "CellRecord::parameters");
  check_json(record.environment, "CellRecord::environment");
  state_->guarded([&] {
    SQLite::Transaction transaction(state_->database, SQLite::TransactionBehavior::IMMEDIATE);
    write_rows(state_->database, upsert(state_->database, "cells", record), record.outcomes);
    transaction.commit();
  });
}

void Store::put(const WorstCase& record) {
  state_->guarded([&] {
    SQLite::Transaction transaction(state_->database, SQLite::TransactionBehavior::IMMEDIATE);
    upsert(state_->database, "worst_cases", record);
    transaction.commit();
  });
}

void Store::put(const Certification& record) {
  check_json(record.parameters, "Certification::parameters");
  check_json(record.environment, "Certification::environment");
  state_->guarded([&] {
    SQLite::Transaction transaction(state_->database, SQLite::TransactionBehavior::IMMEDIATE);
    write_rows(state_->database, upsert(state_->database, "certifications", record),
               record.certificates);
    transaction.commit();
  });
}

void Store::begin_run(const std::string& suite, const std::string& settings) {
  check_json(settings, "the settings of a run");
  state_->guarded([&] {
    SQLite::Statement insert(state_->database,
                             "INSERT INTO runs (suite, settings, started, finished, complete) "
                             "VALUES (?, ?, ?, '', 0)");
    insert.bind(1, suite);
    insert.bind(2, settings);
    insert.bind(3, utc_now());
    insert.exec();
    state_->run = state_->database.getLastInsertRowid();
  });
}

void Store::add_to_run(const std::string& identity, const std::string& fingerprint) {
  state_->guarded([&] { state_->add_member("cells", identity, fingerprint); });
}

void Store::add_worst_case_to_run(const std::string& identity, const std::string& fingerprint) {
  state_->guarded([&] { state_->add_member("worst_cases", identity, fingerprint); });
}

void Store::add_certification_to_run(const std::string& identity, const std::string& fingerprint) {
  state_->guarded([&] { state_->add_member("certifications", identity, fingerprint); });
}

void Store::end_run(bool complete) {
  if (state_->run == 0) throw std::logic_error("end_run without begin_run");
  state_->guarded([&] {
    SQLite::Statement update(state_->database,
                             "UPDATE runs SET finished = ?, complete = ? WHERE id = ?");
    update.bind(1, utc_now());
    update.bind(2, int{complete});
    update.bind(3, state_->run);
    update.exec();
  });
}

Store::Run Store::latest_run() const {
  Run run = state_->guarded([&] {
    SQLite::Database& database = state_->database;
    SQLite::Transaction snapshot(database);
    SQLite::Statement row(database,
                          "SELECT id, suite, settings, started, finished, complete "
                          "FROM runs ORDER BY id DESC LIMIT 1");
    if (!row.executeStep())
      throw BadInput(folder().string() + ": holds no run yet; start one with gauntlet run");
    const int64_t id = row.getColumn(0).getInt64();
    Run run{row.getColumn(1).getString(), row.getColumn(2).getString(),
            row.getColumn(3).getString(), row.getColumn(4).getString(),
            row.getColumn(5).getInt() != 0};
    run.cells = members<CellRecord>(database, "cells", id);
    run.worst_cases = members<WorstCase>(database, "worst_cases", id);
    run.certifications = members<Certification>(database, "certifications", id);
    for (Certification& each : run.certifications)
      each.certificates = read_rows<CertifiedSample>(
          database, *find_id(database, "certifications", each.identity, each.fingerprint));
    return run;
  });
  run.differences = differences_of(run.settings, run.cells, [&](const CellRecord& cell) {
    return outcomes(cell.identity, cell.fingerprint);
  });
  return run;
}

std::vector<Outcome> Store::outcomes(const std::string& identity,
                                     const std::string& fingerprint) const {
  return state_->guarded([&]() -> std::vector<Outcome> {
    SQLite::Transaction snapshot(state_->database);
    const auto cell = find_id(state_->database, "cells", identity, fingerprint);
    if (!cell) return {};
    return read_rows<Outcome>(state_->database, *cell);
  });
}

}  // namespace gauntlet
