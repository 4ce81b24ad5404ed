// Runs in the store's tables: which records each names, and these as they were written.
#pragma once
#include <map>

#include "results/asked.h"
#include "results/kept_records.h"

namespace gauntlet::results {

/// A run as its table has it. `members`: how many records of each table it names, as JSON.
struct RunRow {
  int64_t id = 0;
  std::string suite, settings, started, finished, host, members;
  bool complete = false;
  std::map<std::string, int64_t> counts;

  std::string seal() const {
    Seal seal;
    for (const std::string* text : {&suite, &settings, &started, &finished, &host, &members})
      seal("", *text);
    seal("", complete);
    return seal.hex();
  }
  void write(SQLite::Database& database) {
    members = nlohmann::json(counts).dump();
    SQLite::Statement update(database,
                             "UPDATE runs SET finished = ?, complete = ?, members = ?, seal = ? "
                             "WHERE id = ?");
    update.bind(1, finished);
    update.bind(2, int{complete});
    update.bind(3, members);
    update.bind(4, seal());
    update.bind(5, id);
    update.exec();
  }
};

inline std::string member_seal(const std::string& table, int64_t run, int64_t position,
                               const std::string& identity, const std::string& fingerprint) {
  Seal seal;
  for (const std::string& text :
       {table, std::to_string(run), std::to_string(position), identity, fingerprint})
    seal("", text);
  return seal.hex();
}

/// Reads the records of a run, each where the run has it.
class Members {
 public:
  Members(SQLite::Database& database, const RunRow& run)
      : database_(database), run_(run), asked_(run.settings) {}

  template <typename Record>
  std::vector<Record> read() {
    const std::string table = TableOf<Record>::name;
    const auto known = run_.counts.find(table);
    // Runs of before seals say nothing of how many there are.
    const int64_t count = run_.members.empty()         ? positions(table)
                          : known == run_.counts.end() ? 0
                                                       : known->second;
    std::vector<Record> records;
    for (int64_t position = 0; position < count; ++position) {
      std::optional<Record> record = member<Record>(table, position);
      lost_ += !record;
      records.push_back(record ? std::move(*record) : lost<Record>(size_t(position)));
    }
    return records;
  }
  int64_t lost() const { return lost_; }

 private:
  int64_t positions(const std::string& table) {
    return database_
        .execAndGet("SELECT ifnull(max(position) + 1, 0) FROM run_" + table +
                    " WHERE run = " + std::to_string(run_.id))
        .getInt64();
  }

  template <typename Record>
  std::optional<Record> member(const std::string& table, int64_t position) try {
    SQLite::Statement row(
        database_, "SELECT record, seal FROM run_" + table + " WHERE run = ? AND position = ?");
    row.bind(1, run_.id);
    row.bind(2, position);
    if (!row.executeStep()) return std::nullopt;
    std::optional<Record> record = read_kept<Record>(database_, row.getColumn(0).getInt64());
    if (!record) return std::nullopt;
    const std::string seal = row.getColumn(1).getString();
    const bool is_it =
        (run_.members.empty() && seal.empty()) ||
        seal == member_seal(table, run_.id, position, record->identity, record->fingerprint);
    return is_it ? record : std::nullopt;
  } catch (const SQLite::Exception& error) {
    if (!is_damage(error)) throw;
    return std::nullopt;
  }

  template <typename Record>
  Record lost(size_t position) const {
    Record record;
    record.defense = "a row that is lost", record.suite = run_.suite;
    if constexpr (requires { record.attack; })
      record = position < asked_.cells.size() ? asked_.cells[position] : record;
    if constexpr (requires { record.decided_by; })
      record = position < asked_.worst_cases.size() ? asked_.worst_cases[position] : record;
    if constexpr (requires { record.checks; })
      if (position < asked_.worst_cases.size()) {  // one a row, in the same order
        const WorstCase& row = asked_.worst_cases[position];
        record.defense = row.defense, record.threat = row.threat, record.seed = row.seed;
      }
    if constexpr (requires { record.status; }) record.status = Status::kInvalid;
    record.reason =
        "what the store kept of it is damaged; run the suite again, which computes it anew";
    return record;
  }

  SQLite::Database& database_;
  const RunRow& run_;
  const Asked asked_;
  int64_t lost_ = 0;
};

}  // namespace gauntlet::results
