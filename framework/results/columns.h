// The columns of the store's tables, said once: creating, writing and reading are visitors of them.
// A change here is a change of the schema: raise kStoreSchema in schema.h.
#pragma once
#include <concepts>
#include <type_traits>

#include "results/record.h"

namespace gauntlet::results {

/// A reference to a T, const or not.
template <typename Record, typename T>
concept Is = std::same_as<std::remove_cvref_t<Record>, T>;

/// visit(column, field) for every field of a record. Outcomes and certificates have tables of their
/// own.
template <typename Visitor, Is<Interval> Record>
void visit_columns(Visitor&& visit, Record&& interval) {
  visit("interval_low", interval.low);
  visit("interval_high", interval.high);
  visit("interval_level", interval.level);
  visit("interval_unit", interval.unit);
  visit("interval_method", interval.method);
}

template <typename Visitor, Is<CellRecord> Record>
void visit_columns(Visitor&& visit, Record&& r) {
  visit("identity", r.identity);
  visit("fingerprint", r.fingerprint);
  visit("schema_version", r.schema_version);
  visit("suite", r.suite);
  visit("defense", r.defense);
  visit("attack", r.attack);
  visit("dataset", r.dataset);
  visit("split", r.split);
  visit("threat", r.threat.name);
  visit("norm", r.threat.norm);
  visit("epsilon", r.threat.epsilon);
  visit("seed", r.seed);
  visit("status", r.status);
  visit("reason", r.reason);
  visit("flags", r.flags);
  visit("samples", r.samples);
  visit("trials", r.trials);
  visit("stochastic", r.stochastic);
  visit("clean_accuracy", r.clean_accuracy);
  visit("robust_accuracy", r.robust_accuracy);
  visit("majority_accuracy", r.majority_accuracy);
  visit("worst_trial_accuracy", r.worst_trial_accuracy);
  visit("clean_by_trial", r.clean_by_trial);
  visit("robust_by_trial", r.robust_by_trial);
  visit("ties", r.ties);
  visit_columns(visit, r.interval);
  visit("parameters", r.parameters);
  visit("environment", r.environment);
  visit("forwards", r.ledger.forwards);
  visit("backwards", r.ledger.backwards);
  visit("queries", r.ledger.queries);
  visit("executed_forwards", r.ledger.executed_forwards);
  visit("executed_backwards", r.ledger.executed_backwards);
  visit("source_forwards", r.ledger.source_forwards);
  visit("source_backwards", r.ledger.source_backwards);
  visit("scoring_forwards", r.ledger.scoring_forwards);
  visit("seconds", r.seconds);
  visit("finished", r.finished);
  visit("x_adv", r.x_adv);
  visit("x_adv_sha256", r.x_adv_sha256);
  visit("scores", r.scores);
}

template <typename Visitor, Is<WorstCase> Record>
void visit_columns(Visitor&& visit, Record&& r) {
  visit("identity", r.identity);
  visit("fingerprint", r.fingerprint);
  visit("suite", r.suite);
  visit("defense", r.defense);
  visit("threat", r.threat.name);
  visit("norm", r.threat.norm);
  visit("epsilon", r.threat.epsilon);
  visit("seed", r.seed);
  visit("samples", r.samples);
  visit("trials", r.trials);
  visit("clean_accuracy", r.clean_accuracy);
  visit("robust_accuracy", r.robust_accuracy);
  visit_columns(visit, r.interval);
  visit("attacks", r.attacks);
  visit("missing", r.missing);
  visit("decided_by", r.decided_by);
  visit("complete", r.complete);
  visit("flags", r.flags);
  visit("reason", r.reason);
}

/// `sample` is Outcome::index.
template <typename Visitor, Is<Outcome> Record>
void visit_columns(Visitor&& visit, Record&& r) {
  visit("sample", r.index);
  visit("label", r.label);
  visit("clean_right", r.clean_right);
  visit("robust_right", r.robust_right);
  visit("predicted", r.predicted);
  visit("margin", r.margin);
  visit("distance", r.distance);
  visit("queries", r.queries);
  visit("robust_first", r.robust_first);
}

template <typename Visitor, Is<Certification> Record>
void visit_columns(Visitor&& visit, Record&& r) {
  visit("identity", r.identity);
  visit("fingerprint", r.fingerprint);
  visit("suite", r.suite);
  visit("defense", r.defense);
  visit("dataset", r.dataset);
  visit("split", r.split);
  visit("seed", r.seed);
  visit("status", r.status);
  visit("reason", r.reason);
  visit("flags", r.flags);
  visit("samples", r.samples);
  visit("alpha", r.alpha);
  visit("certified_accuracy", r.certified_accuracy);
  visit("abstained", r.abstained);
  visit("average_radius", r.average_radius);
  visit_columns(visit, r.interval);
  visit("parameters", r.parameters);
  visit("environment", r.environment);
  visit("forwards", r.forwards);
  visit("seconds", r.seconds);
  visit("finished", r.finished);
}

template <typename Visitor, Is<RowAudit> Record>
void visit_columns(Visitor&& visit, Record&& r) {
  visit("identity", r.identity);
  visit("fingerprint", r.fingerprint);
  visit("suite", r.suite);
  visit("defense", r.defense);
  visit("threat", r.threat.name);
  visit("norm", r.threat.norm);
  visit("epsilon", r.threat.epsilon);
  visit("seed", r.seed);
  visit("samples", r.samples);
  visit("checks", r.checks);
  visit("reason", r.reason);
}

template <typename Visitor, Is<CertifiedSample> Record>
void visit_columns(Visitor&& visit, Record&& r) {
  visit("sample", r.index);
  visit("label", r.label);
  visit("answer", r.answer);
  visit("radius", r.radius);
}

}  // namespace gauntlet::results
