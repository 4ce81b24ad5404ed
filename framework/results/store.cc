#include "results/store.h"

#include <set>

#include "base/bad_input.h"
#include "base/draft.h"
#include "results/kept_runs.h"
#include "results/schema.h"

namespace gauntlet::results {
namespace {

namespace fs = std::filesystem;

constexpr const char* kDatabase = "results.sqlite";

fs::path make_folders(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder / "artifacts", error);
  if (error) throw BadInput(folder.string() + ": cannot be made or written: " + error.message());
  for (const fs::path& place : {folder, folder / "artifacts", folder / "paper"})
    remove_abandoned_drafts(place);
  return folder;
}

void check_json(const std::string& text, const char* what) {
  if (text.empty() || nlohmann::json::parse(text, nullptr, false).is_object()) return;
  throw std::invalid_argument(std::string(what) + " is not a JSON object: " + text.substr(0, 80));
}

}  // namespace

struct Store::State {
  State(const fs::path& path, Access access, std::string host)
      : folder(access == Access::kWrite ? make_folders(path) : path),
        reads_only(access == Access::kRead && !can_be_written(folder / kDatabase)),
        database(reads_only ? open_to_read(folder / kDatabase) : open_database(folder / kDatabase)),
        host(std::move(host)) {}

  /// A full disk or a lock that is never given up is the person's to mend.
  auto guarded(const auto& work) {
    const std::string file = (folder / kDatabase).string();
    try {
      return work();
    } catch (const SQLite::Exception& error) {
      throw BadInput(file + ": " + error.what() +
                     (is_damage(error) ? "; the store is damaged: move it away and run the suite "
                                         "again"
                                       : ""));
    }
  }

  template <typename Record>
  void put(const Record& record) {
    guarded([&] {
      SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
      write_kept(database, record);
      transaction.commit();
    });
    sound.clear();
  }

  /// Cells that were read as they were written, while nobody has written since: a report asks for
  /// their outcomes many times, and a seal takes as long as the outcomes.
  std::set<std::pair<std::string, std::string>>& sound_cells() {
    // Another number once another connection has committed.
    const int64_t version = database.execAndGet("PRAGMA data_version").getInt64();
    if (version != sound_since) sound.clear(), sound_since = version;
    return sound;
  }

  template <typename Record>
  std::optional<Record> find(const std::string& identity, const std::string& fingerprint) {
    return guarded([&]() -> std::optional<Record> {
      SQLite::Transaction snapshot(database);
      const auto id = find_id<Record>(database, identity, fingerprint);
      if (!id) return std::nullopt;
      std::optional<Record> record = read_kept<Record>(database, *id);
      if (record && record->identity == identity && record->fingerprint == fingerprint)
        return record;
      damage.push_back("the record " + identity.substr(0, 16) + " in " +
                       (folder / kDatabase).string() + " is not as it was written");
      return std::nullopt;
    });
  }

  template <typename Record>
  void add_member(const std::string& identity, const std::string& fingerprint) {
    const std::string table = TableOf<Record>::name;
    if (run.id == 0) throw std::logic_error("a record is added to a run before begin_run");
    guarded([&] {
      SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
      const std::optional<int64_t> record = find_id<Record>(database, identity, fingerprint);
      if (!record) throw std::logic_error("a run names a record that is not in the store");
      const int64_t position = run.counts[table];
      SQLite::Statement insert(database, "INSERT OR IGNORE INTO run_" + table +
                                             " (run, position, record, seal) VALUES (?, ?, ?, ?)");
      insert.bind(1, run.id);
      insert.bind(2, position);
      insert.bind(3, *record);
      insert.bind(4, member_seal(table, run.id, position, identity, fingerprint));
      if (insert.exec() > 0) {
        RunRow longer = run;
        longer.counts[table] = position + 1;
        longer.write(database);
        transaction.commit();
        run = longer;
      }
    });
  }

  /// Of the run that began here, else of the newest of this build, else of the newest.
  RunRow choose_run() {
    SQLite::Statement row(database,
                          "SELECT id, suite, settings, started, finished, complete, host, members, "
                          "seal FROM runs ORDER BY id = ? DESC, host = ? DESC, id DESC LIMIT 1");
    row.bind(1, run.id);
    row.bind(2, host);
    if (!row.executeStep())
      throw BadInput(folder.string() + ": holds no run yet; start one with gauntlet run");
    RunRow out;
    out.id = row.getColumn(0).getInt64();
    int column = 1;
    for (std::string* text : {&out.suite, &out.settings, &out.started, &out.finished})
      *text = row.getColumn(column++).getString();
    out.complete = row.getColumn(5).getInt() != 0;
    out.host = row.getColumn(6).getString(), out.members = row.getColumn(7).getString();
    const std::string seal = row.getColumn(8).getString();
    const auto counts = nlohmann::json::parse(out.members, nullptr, false);
    const bool holds = seal.empty() ? out.members.empty() : seal == out.seal();
    if (!holds || (!seal.empty() && !counts.is_object()))
      throw BadInput((folder / kDatabase).string() +
                     ": what it says of the run is damaged; run the suite again, which computes "
                     "nothing but what is lost");
    if (counts.is_object()) out.counts = counts.get<std::map<std::string, int64_t>>();
    return out;
  }

  int64_t runs_after(int64_t id) {
    return database.execAndGet("SELECT count(*) FROM runs WHERE id > " + std::to_string(id))
        .getInt64();
  }

  fs::path folder;
  bool reads_only;
  SQLite::Database database;
  std::string host;
  RunRow run;  // of this process; id 0 until begin_run
  std::vector<std::string> damage;
  std::set<std::pair<std::string, std::string>> sound;  // identity, fingerprint: see sound_cells()
  int64_t sound_since = -1;
};

Store::Store(const fs::path& folder, Access access, std::string host)
    : state_(std::make_unique<State>(folder, access, std::move(host))) {}
Store::~Store() = default;

const fs::path& Store::folder() const { return state_->folder; }
fs::path Store::artifacts() const { return folder() / "artifacts"; }

fs::path Store::artifact(const std::string& identity, const std::string& fingerprint) const {
  for (const std::string& name : {identity, fingerprint}) {
    const bool plain = std::all_of(name.begin(), name.end(),
                                   [](unsigned char c) { return std::isalnum(c) || c == '-'; });
    if (name.empty() || !plain)
      throw std::invalid_argument("'" + name + "' is no identity to name a file by");
  }
  return artifacts() / (identity + "-" + fingerprint.substr(0, 16) + ".safetensors");
}

std::optional<CellRecord> Store::find(const std::string& identity,
                                      const std::string& fingerprint) const {
  std::optional<CellRecord> record = state_->find<CellRecord>(identity, fingerprint);
  const bool answers =
      record && (record->status == Status::kOk || record->status == Status::kInvalid);
  return answers ? record : std::nullopt;
}

std::optional<Certification> Store::find_certification(const std::string& identity,
                                                       const std::string& fingerprint) const {
  std::optional<Certification> record = state_->find<Certification>(identity, fingerprint);
  const bool answers =
      record && (record->status == Status::kOk || record->status == Status::kInvalid);
  return answers ? record : std::nullopt;
}

std::optional<WorstCase> Store::find_worst_case(const std::string& identity,
                                                const std::string& fingerprint) const {
  return state_->find<WorstCase>(identity, fingerprint);
}

std::optional<RowAudit> Store::find_audit(const std::string& identity,
                                          const std::string& fingerprint) const {
  return state_->find<RowAudit>(identity, fingerprint);
}

std::vector<std::string> Store::take_damage() const { return std::exchange(state_->damage, {}); }

void Store::put(const CellRecord& record) {
  check_json(record.parameters, "CellRecord::parameters");
  check_json(record.environment, "CellRecord::environment");
  state_->put(record);
}

void Store::put(const WorstCase& record) { state_->put(record); }

void Store::put(const Certification& record) {
  check_json(record.parameters, "Certification::parameters");
  check_json(record.environment, "Certification::environment");
  state_->put(record);
}

void Store::put(const RowAudit& record) { state_->put(record); }

void Store::begin_run(const std::string& suite, const std::string& settings) {
  check_json(settings, "the settings of a run");
  state_->guarded([&] {
    SQLite::Database& database = state_->database;
    SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
    RunRow run{0, suite, settings, utc_now(), "", state_->host, "", false, {}};
    SQLite::Statement insert(
        database,
        "INSERT INTO runs (suite, settings, started, finished, complete, host) "
        "VALUES (?, ?, ?, '', 0, ?)");
    insert.bind(1, suite);
    insert.bind(2, settings);
    insert.bind(3, run.started);
    insert.bind(4, run.host);
    insert.exec();
    run.id = database.getLastInsertRowid();
    run.write(database);
    transaction.commit();
    state_->run = run;
  });
}

void Store::add_to_run(const std::string& identity, const std::string& fingerprint) {
  state_->add_member<CellRecord>(identity, fingerprint);
}

void Store::add_worst_case_to_run(const std::string& identity, const std::string& fingerprint) {
  state_->add_member<WorstCase>(identity, fingerprint);
}

void Store::add_certification_to_run(const std::string& identity, const std::string& fingerprint) {
  state_->add_member<Certification>(identity, fingerprint);
}

void Store::add_audit_to_run(const std::string& identity, const std::string& fingerprint) {
  state_->add_member<RowAudit>(identity, fingerprint);
}

void Store::end_run(bool complete) {
  if (state_->run.id == 0) throw std::logic_error("end_run without begin_run");
  state_->guarded([&] {
    state_->run.finished = utc_now(), state_->run.complete = complete;
    state_->run.write(state_->database);
  });
}

Store::Run Store::read_run() const {
  return state_->guarded([&] {
    SQLite::Database& database = state_->database;
    SQLite::Transaction snapshot(database);
    const RunRow row = state_->choose_run();
    Run run{row.suite, row.settings, row.started, row.finished, row.complete};
    run.newer = state_->runs_after(row.id);
    Members members(database, row);
    run.cells = members.read<CellRecord>();
    run.worst_cases = members.read<WorstCase>();
    run.certifications = members.read<Certification>();
    run.audits = members.read<RowAudit>();
    run.lost = members.lost();
    auto& sound = state_->sound_cells();
    for (const CellRecord& cell : run.cells)
      if (cell.status == Status::kOk) sound.emplace(cell.identity, cell.fingerprint);
    return run;
  });
}

std::vector<Outcome> Store::outcomes(const std::string& identity,
                                     const std::string& fingerprint) const {
  return state_->guarded([&]() -> std::vector<Outcome> {
    SQLite::Transaction snapshot(state_->database);
    const auto id = find_id<CellRecord>(state_->database, identity, fingerprint);
    if (!id) return {};
    auto& sound = state_->sound_cells();
    if (sound.contains({identity, fingerprint})) {
      CellRecord rows;
      detail::read_rows(state_->database, *id, rows);
      return std::move(rows.outcomes);
    }
    std::optional<CellRecord> record = read_kept<CellRecord>(state_->database, *id);
    if (!record)
      throw BadInput((folder() / kDatabase).string() + ": the record " + identity.substr(0, 16) +
                     " is not as it was written; run the suite again");
    sound.emplace(identity, fingerprint);
    return std::move(record->outcomes);
  });
}

}  // namespace gauntlet::results
