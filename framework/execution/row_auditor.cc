#include "execution/row_auditor.h"

#include <algorithm>

#include "audit/probes.h"
#include "audit/row_checks.h"
#include "base/bad_input.h"
#include "base/failure.h"
#include "base/sha256.h"
#include "evaluation/bounds.h"
#include "evaluation/identity.h"
#include "evaluation/interrupted.h"
#include "evaluation/process_state.h"
#include "execution/answer.h"
#include "suite/names.h"

namespace gauntlet::execution {
namespace {
using nlohmann::json;
using results::RowAudit;

// Attacks that probes run whatever the suite has (audit/probe_attacks.cc, audit/probe_doubling.cc).
constexpr const char* kOfProbes[] = {"nattack", "pgd", "square"};

// Names of an audit from records alone: it depends on nothing but these.
std::string records_identity(const std::vector<results::CellRecord>& cells) {
  std::string names = "audit";
  for (const results::CellRecord& cell : cells)
    names += " " + cell.identity + " " + to_string(cell.status);
  return sha256(names);
}
std::string records_fingerprint(const std::vector<results::CellRecord>& cells) {
  std::string names = "audit " + evaluation::engine_digest();
  for (const results::CellRecord& cell : cells) names += " " + cell.fingerprint;
  return sha256(names);
}

std::vector<int64_t> first_of(const std::vector<int64_t>& indices, int64_t samples) {
  return {indices.begin(), indices.begin() + std::min<int64_t>(samples, int64_t(indices.size()))};
}
}  // namespace

std::string AuditedRow::label() const { return defense->name + ", probes under " + threat->name; }

RowAuditor::RowAuditor(const suite::Suite& suite, const data::Dataset& data,
                       evaluation::Laboratory& laboratory, results::Store& store,
                       const RunOptions& options, RunEvents& events, int64_t samples)
    : suite_(suite),
      data_(data),
      lab_(laboratory),
      store_(store),
      options_(options),
      events_(events),
      samples_(std::min(samples, int64_t(suite.data.indices.size()))) {}

AuditedRow RowAuditor::row(const suite::DefenseSpec& defense, const suite::ThreatSpec& threat,
                           int64_t seed, const std::vector<results::CellRecord>& cells,
                           bool probes) const {
  RowAudit out;
  out.identity = records_identity(cells), out.fingerprint = records_fingerprint(cells);
  out.suite = suite_.name, out.defense = defense.name, out.seed = seed;
  out.threat = evaluation::threat_of(threat);
  out.checks = audit::checks_of_row(cells);
  if (out.checks.empty() && !cells.empty())
    out.reason = "no attack with a result followed gradients or can be compared with another";
  AuditedRow row{&defense, &threat, seed, probes, {}, std::move(out)};
  for (const results::CellRecord& cell : cells)
    if (cell.status == results::Status::kOk) row.left[cell.attack] = cell.robust_accuracy;
  return row;
}

// All that probes are asked of: the row, its images and its attacks.
json RowAuditor::question(const AuditedRow& row) const {
  json asked = {{"records", row.of_records.identity}, {"probes", json::array()}};
  for (const suite::AttackSpec& attack : suite_.attacks) {
    suite::Job job{suite_.name, "",       *row.defense,   attack,
                   *row.threat, row.seed, suite_.scoring, suite_.data};
    job.data.indices = first_of(job.data.indices, samples_);
    asked["probes"].push_back(evaluation::question(job, data_, options_.batch_size, lab_));
  }
  return asked;
}

RowAudit RowAuditor::probe(const AuditedRow& row, size_t number, size_t of) const {
  json by = {{"records", row.of_records.fingerprint}};
  for (const suite::AttackSpec& attack : suite_.attacks)
    by["probes"].push_back(evaluation::answerer(*row.defense, attack, lab_));
  for (const char* name : kOfProbes)
    if (lab_.plugins().has("attack", name))
      by["plugins"][name] = lab_.plugins().digest("attack", name);
  RowAudit out = row.of_records;
  out.identity = evaluation::identity_of(question(row));
  out.fingerprint = evaluation::identity_of(by);
  events_.probes_begin(number, of, row.label());
  std::optional<RowAudit> known = store_.find_audit(out.identity, out.fingerprint);
  tell_damage(store_, events_);
  const bool cached = known.has_value();
  if (cached) {  // names are of this suite, whoever asked the same question before
    known->suite = out.suite, known->defense = out.defense, known->threat = out.threat;
    out = std::move(*known);
  } else {
    out = measured(row, std::move(out));
  }
  if (out.samples > 0) store_.put(out);
  events_.probes_end(out, cached);
  return out;
}

// Where they fail, what the records say is left, under its own name: it is asked again next time.
RowAudit RowAuditor::measured(const AuditedRow& row, RowAudit out) const {
  if (options_.stop && options_.stop->load()) throw evaluation::Interrupted{};
  if (!is_ball(row.threat->norm)) {
    out = row.of_records;
    out.reason = "no probe was made: probes climb in balls, linf, l2 and l1; the threat is " +
                 suite::to_string(row.threat->norm);
    return out;
  }
  const evaluation::ProcessState process;  // what the defense's plugins change is put back
  try {
    const auto indices = first_of(suite_.data.indices, samples_);
    const std::vector<results::Check> found =
        audit::probe({*row.defense, *row.threat, suite_.attacks, row.left, data_, indices, row.seed,
                      options_.stop, [&](int64_t done, int64_t of) { events_.samples(done, of); }},
                     lab_);
    lab_.put_back();
    out.checks = audit::joined(std::move(out.checks), found);
    out.samples = int64_t(indices.size()), out.reason = "";
    return out;
  } catch (const evaluation::Interrupted&) {
    lab_.put_back();
    throw;
  } catch (...) {
    lab_.put_back();
    RowAudit left = row.of_records;
    left.reason = "no probe was made: " + current_failure();
    return left;
  }
}

}  // namespace gauntlet::execution
