// report.json: everything the records say, under names that reports/schema/ fixes.
#include "reports/files/json.h"

#include <cmath>
#include <set>

#include "analysis/certification.h"
#include "reports/audits.h"
#include "reports/summary.h"
#include "reports/text/free_text.h"
#include "reports/text/text.h"

namespace gauntlet::reports::files {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kReportSchema = 1;

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }
Json text_or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

Json interval_of(const results::Interval& interval) {
  return {{"low", interval.low},
          {"high", interval.high},
          {"level", interval.level},
          {"unit", interval.unit},
          {"method", interval.method}};
}

Json threat_of(const results::Threat& threat) {
  return {{"name", threat.name}, {"norm", threat.norm}, {"epsilon", number(threat.epsilon)}};
}

Json ledger_of(const results::Ledger& ledger) {
  return {{"forwards", ledger.forwards},
          {"backwards", ledger.backwards},
          {"queries", ledger.queries},
          {"executed_forwards", ledger.executed_forwards},
          {"executed_backwards", ledger.executed_backwards},
          {"source_forwards", ledger.source_forwards},
          {"source_backwards", ledger.source_backwards},
          {"scoring_forwards", ledger.scoring_forwards}};
}

Json findings_of(const std::vector<results::Finding>& findings) {
  Json out = Json::array();
  for (const results::Finding& finding : findings) out.push_back(Json(results::object_of(finding)));
  return out;
}

// Of a randomized row, beside its mean and interval.
Json draws_of(const results::CellRecord& record) {
  if (!has_result(record) || !record.draws) return nullptr;
  const results::DrawFigures& figures = *record.draws;
  return {{"trials", record.trials},
          {"interval_over_images", interval_of(figures.images)},
          {"interval_over_draws", figures.draws ? interval_of(*figures.draws) : Json(nullptr)},
          {"majority_accuracy", record.majority_accuracy},
          {"worst_trial_accuracy", record.worst_trial_accuracy},
          {"clean_in_every_trial", figures.clean_in_every_trial}};
}

// Of a row with a detector.
Json detector_of(const results::CellRecord& record) {
  if (!has_result(record) || !record.detector) return nullptr;
  const results::DetectorFigures& figures = *record.detector;
  Json rates = Json::array();
  for (const results::DetectorFigures::At& at : figures.at)
    rates.push_back({{"false_positive_rate", at.false_positive_rate},
                     {"false_positives", at.false_positives},
                     {"true_positives", at.true_positives},
                     {"true_positive_rate", at.true_positive_rate},
                     {"interval", interval_of(at.interval)}});
  return {{"clean_images", figures.clean_images},
          {"attacked_images", figures.attacked_images},
          {"auc", figures.auc},
          {"at", rates}};
}

// Of a cell with a hypocritical goal.
Json hypocritical_of(const results::CellRecord& record) {
  if (!has_result(record) || !record.hypocritical) return nullptr;
  return {{"images", record.hypocritical->images},
          {"risk", record.hypocritical->risk},
          {"interval", interval_of(record.hypocritical->interval)}};
}

Json cell_of(const results::CellRecord& record) {
  const bool ok = has_result(record);
  const auto shown = [ok](double value) { return ok ? Json(value) : Json(nullptr); };
  return {{"defense", record.defense},
          {"attack", record.attack},
          {"threat", threat_of(record.threat)},
          {"seed", record.seed},
          {"status", to_string(record.status)},
          {"reason", record.reason},
          {"flags", sentences(record.flags)},
          {"findings", findings_of(record.flags)},
          {"dataset", record.dataset},
          {"split", record.split},
          {"samples", record.samples},
          {"trials", record.trials},
          {"stochastic", record.stochastic},
          {"clean_accuracy", shown(record.clean_accuracy)},
          {"robust_accuracy", shown(record.robust_accuracy)},
          {"interval", ok ? interval_of(record.interval) : Json(nullptr)},
          {"majority_accuracy", shown(record.majority_accuracy)},
          {"worst_trial_accuracy", shown(record.worst_trial_accuracy)},
          {"draws", draws_of(record)},
          {"detector", detector_of(record)},
          {"hypocritical_risk", hypocritical_of(record)},
          {"ties", ok ? Json(record.ties) : Json(nullptr)},
          {"ledger", ledger_of(record.ledger)},
          {"seconds", number(record.seconds)},
          {"finished", text_or_null(record.finished)},
          {"identity", record.identity},
          {"fingerprint", record.fingerprint},
          {"x_adv", text_or_null(record.x_adv)},
          {"x_adv_sha256", text_or_null(record.x_adv_sha256)},
          {"parameters", object_of(record.parameters)},
          {"environment", object_of(record.environment)}};
}

Json worst_case_of(const results::WorstCase& record) {
  const bool ok = has_result(record);
  return {{"defense", record.defense},
          {"threat", threat_of(record.threat)},
          {"seed", record.seed},
          {"complete", record.complete},
          {"samples", record.samples},
          {"trials", record.trials},
          {"clean_accuracy", ok ? Json(record.clean_accuracy) : Json(nullptr)},
          {"robust_accuracy", ok ? Json(record.robust_accuracy) : Json(nullptr)},
          {"interval", ok ? interval_of(record.interval) : Json(nullptr)},
          {"attacks", record.attacks},
          {"missing", record.missing},
          {"decided_by", record.decided_by},
          {"flags", sentences(record.flags)},
          {"findings", findings_of(record.flags)},
          {"reason", record.reason},
          {"identity", record.identity},
          {"fingerprint", record.fingerprint}};
}

/// Steps: the accuracy at a radius is that of the last step that does not lie above it.
Json curve_of(const results::Certification& record) {
  std::set<double> radii = {0};
  for (const results::CertifiedSample& c : record.certificates)
    if (c.answer == c.label) radii.insert(c.radius);
  Json curve = Json::array();
  for (const double radius : radii)
    curve.push_back(
        {{"radius", radius}, {"certified_accuracy", analysis::certified_accuracy(record, radius)}});
  return curve;
}

Json images_of(const results::Certification& record) {
  Json images = Json::array();
  for (const results::CertifiedSample& c : record.certificates) {
    const bool abstained = c.answer < 0;
    images.push_back({{"sample", c.index},
                      {"label", c.label},
                      {"answer", abstained ? Json(nullptr) : Json(c.answer)},
                      {"radius", abstained ? Json(nullptr) : Json(c.radius)},
                      {"right", c.answer == c.label}});
  }
  return images;
}

Json certification_of(const results::Certification& record) {
  const bool ok = has_result(record);
  const auto shown = [ok](double value) { return ok ? Json(value) : Json(nullptr); };
  return {{"defense", record.defense},
          {"seed", record.seed},
          {"status", to_string(record.status)},
          {"reason", record.reason},
          {"flags", sentences(record.flags)},
          {"findings", findings_of(record.flags)},
          {"dataset", record.dataset},
          {"split", record.split},
          {"samples", record.samples},
          {"norm", "l2"},
          {"alpha", shown(record.alpha)},
          {"certified_accuracy", shown(record.certified_accuracy)},
          {"interval", ok ? interval_of(record.interval) : Json(nullptr)},
          {"abstained", shown(record.abstained)},
          {"average_radius", shown(record.average_radius)},
          {"curve", ok ? curve_of(record) : Json::array()},
          {"images", ok ? images_of(record) : Json::array()},
          {"forwards", record.forwards},
          {"seconds", number(record.seconds)},
          {"finished", text_or_null(record.finished)},
          {"identity", record.identity},
          {"fingerprint", record.fingerprint},
          {"parameters", object_of(record.parameters)},
          {"environment", object_of(record.environment)}};
}

Json audit_of(const results::RowAudit& record) {
  Json checks = Json::array();
  for (const results::Check& check : record.checks) checks.push_back(Json(check_json(check)));
  return {{"defense", record.defense},
          {"threat", threat_of(record.threat)},
          {"seed", record.seed},
          {"level", record.checks.empty() ? Json(nullptr) : Json(to_string(worst(record.checks)))},
          {"samples", record.samples},
          {"checks", checks},
          {"reason", record.reason},
          {"identity", record.identity},
          {"fingerprint", record.fingerprint}};
}

Json difference_of(const Summary& summary, const results::Difference& one) {
  const auto found = one.ok ? summary.findings_of(one) : std::vector<results::Finding>();
  return {{"defense", one.defense},
          {"baseline", one.baseline},
          {"attack", text_or_null(one.attack)},
          {"threat", threat_of(one.threat)},
          {"samples", one.samples},
          {"difference", one.ok ? Json(one.value) : Json(nullptr)},
          {"interval", one.ok ? interval_of(one.interval) : Json(nullptr)},
          {"p_below", one.ok ? Json(one.p_below) : Json(nullptr)},
          {"flags", sentences(found)},
          {"findings", findings_of(found)}};
}

Json distance_curve_of(const results::DistanceCurve& curve) {
  const auto or_null = [](const std::optional<double>& value) {
    return value ? Json(*value) : Json(nullptr);
  };
  Json steps = Json::array();
  for (const results::DistanceCurve::Step& step : curve.steps)
    steps.push_back({{"epsilon", step.epsilon},
                     {"robust_accuracy", step.accuracy},
                     {"low", step.low},
                     {"high", step.high}});
  return {{"defense", curve.defense},
          {"attack", curve.attack},
          {"threat", threat_of(curve.threat)},
          {"seed", curve.seed},
          {"reason", curve.reason},
          {"samples", curve.samples},
          {"steps", steps},
          {"median", or_null(curve.median)},
          {"median_low", or_null(curve.median_low)},
          {"median_high", or_null(curve.median_high)},
          {"optimality", or_null(curve.optimality)}};
}

Json spread_json(const std::optional<Spread>& spread) {
  if (!spread) return nullptr;
  return {{"mean", spread->mean}, {"sd", spread->sd ? Json(*spread->sd) : Json(nullptr)}};
}

template <typename Record>
Json seed_row(const Group<Record>& group) {
  Json seeds = Json::array(), missing = Json::array();
  for (const Record* record : group.records)
    (has_result(*record) ? seeds : missing).push_back(record->seed);
  return {{"defense", group.defense},
          {"attack", text_or_null(group.attack)},
          {"threat", threat_of(group.threat)},
          {"seeds", seeds},
          {"missing_seeds", missing},
          {"clean_accuracy", spread_json(group.clean)},
          {"robust_accuracy", spread_json(group.robust)}};
}

Json seed_summary(const Summary& summary) {
  Json rows = Json::array();
  if (summary.seeds.size() > 1) {
    for (const auto& group : summary.cells) rows.push_back(seed_row(group));
    for (const auto& group : summary.worst_cases) rows.push_back(seed_row(group));
  }
  return {{"over", "evaluation seeds"}, {"sd", "unbiased"}, {"rows", rows}};
}

}  // namespace

std::string report_json(const results::Store::Run& run) {
  const Summary summary(run);
  Json report = {{"schema_version", kReportSchema},
                 {"suite", summary.run.suite},
                 {"started", summary.run.started},
                 {"finished", text_or_null(summary.run.finished)},
                 {"complete", summary.run.complete},
                 {"settings", object_of(summary.run.settings)},
                 {"cells", Json::array()},
                 {"worst_case", Json::array()},
                 {"seed_summary", seed_summary(summary)}};
  for (const results::CellRecord& record : summary.run.cells)
    report["cells"].push_back(cell_of(record));
  for (const results::WorstCase& record : summary.run.worst_cases)
    report["worst_case"].push_back(worst_case_of(record));
  for (const results::Certification& record : summary.run.certifications)
    report["certifications"].push_back(certification_of(record));
  for (const results::RowAudit& record : summary.run.audits)
    report["audits"].push_back(audit_of(record));
  for (const results::Difference& one : summary.run.differences)
    report["differences"].push_back(difference_of(summary, one));
  for (const results::DistanceCurve& curve : summary.run.distance_curves)
    report["distance_curves"].push_back(distance_curve_of(curve));
  // Names that are no UTF-8 must not cost the report.
  return escape_hidden(report.dump(1, ' ', false, Json::error_handler_t::replace)) + "\n";
}

}  // namespace gauntlet::reports::files
