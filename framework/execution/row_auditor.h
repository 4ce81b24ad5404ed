// How an audit of a row comes to be: from the records of its cells, and from probes where they are
// asked for.
#pragma once
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "evaluation/laboratory.h"
#include "execution/events.h"
#include "results/store.h"
#include "suite/job.h"

namespace gauntlet::execution {

/// One defense under one threat and seed.
struct AuditedRow {
  const suite::DefenseSpec* defense = nullptr;
  const suite::ThreatSpec* threat = nullptr;
  int64_t seed = 0;
  bool probes = false;                   ///< whether they are asked for
  std::map<std::string, double> left{};  ///< robust accuracy by attack, of cells with a result
  /// What the records of its cells say, without identity of probes: see RowAuditor::of_records().
  results::RowAudit of_records{};
  std::string label() const;
};

class RowAuditor {
 public:
  /// `samples`: probes are made on the first so many of the suite's.
  RowAuditor(const suite::Suite& suite, const data::Dataset& data,
             evaluation::Laboratory& laboratory, results::Store& store, const RunOptions& options,
             RunEvents& events, int64_t samples);

  /// The row of these cells, with what their records say of it; `cells` with outcomes, may be
  /// empty. `probes`: whether they are asked for.
  AuditedRow row(const suite::DefenseSpec& defense, const suite::ThreatSpec& threat, int64_t seed,
                 const std::vector<results::CellRecord>& cells, bool probes) const;

  /// The audit of a row with its probes, from the store where it is known; then it is there.
  /// `number` and `of` are for the person who waits. What fails of the probes is the record's
  /// reason. Throws Interrupted.
  results::RowAudit probe(const AuditedRow& row, size_t number, size_t of) const;

 private:
  nlohmann::json question(const AuditedRow& row) const;
  results::RowAudit measured(const AuditedRow& row, results::RowAudit out) const;

  const suite::Suite& suite_;
  const data::Dataset& data_;
  evaluation::Laboratory& lab_;
  results::Store& store_;
  const RunOptions& options_;
  RunEvents& events_;
  const int64_t samples_;
};

}  // namespace gauntlet::execution
