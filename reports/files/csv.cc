// report.csv: one row a cell, one column a fact. certified.csv: one row an image. differences.csv:
// one row a difference.
#include "reports/files/csv.h"

#include "reports/files/csv_row.h"
#include "reports/summary.h"
#include "reports/text/text.h"

namespace gauntlet::reports::files {
namespace {

constexpr const char* kHeader =
    "suite,defense,attack,threat,norm,epsilon,dataset,split,seed,status,reason,samples,trials,"
    "stochastic,clean_accuracy,robust_accuracy,interval_low,interval_high,interval_level,"
    "interval_unit,interval_method,majority_accuracy,worst_trial_accuracy,ties,flags,forwards,"
    "backwards,queries,executed_forwards,executed_backwards,source_forwards,source_backwards,"
    "scoring_forwards,seconds,finished,identity,fingerprint,x_adv,parameters,detector_clean,"
    "detector_attacked,detector_auc,detector_tpr_1,detector_tpr_1_low,detector_tpr_1_high,"
    "detector_tpr_5,detector_tpr_5_low,detector_tpr_5_high,hypocritical_images,hypocritical_risk,"
    "hypocritical_risk_low,hypocritical_risk_high\n";

void add_empty(CsvRow& row, int fields) {
  for (int i = 0; i < fields; ++i) row << std::string();
}

void add_numbers(CsvRow& row, const results::CellRecord& r) {
  if (!has_result(r)) {
    add_empty(row, 10);
    return;
  }
  row << r.clean_accuracy << r.robust_accuracy << r.interval.low << r.interval.high
      << r.interval.level << r.interval.unit << r.interval.method << r.majority_accuracy
      << r.worst_trial_accuracy << r.ties;
}

// Of detectors, at most 1 and 5 percent of false positives, and of hypocritical goals.
void add_derived(CsvRow& row, const results::CellRecord& r) {
  if (has_result(r) && r.detector && r.detector->at.size() == 2) {
    row << r.detector->clean_images << r.detector->attacked_images << r.detector->auc;
    for (const results::DetectorFigures::At& at : r.detector->at)
      row << at.true_positive_rate << at.interval.low << at.interval.high;
  } else {
    add_empty(row, 9);
  }
  if (has_result(r) && r.hypocritical)
    row << r.hypocritical->images << r.hypocritical->risk << r.hypocritical->interval.low
        << r.hypocritical->interval.high;
  else
    add_empty(row, 4);
}

std::string line_of(const results::CellRecord& r) {
  CsvRow row;
  row << r.suite << r.defense << r.attack << r.threat.name << r.threat.norm << r.threat.epsilon
      << r.dataset << r.split << r.seed << to_string(r.status) << r.reason << r.samples << r.trials
      << r.stochastic;
  add_numbers(row, r);
  const results::Ledger& ledger = r.ledger;
  row << joined(sentences(r.flags)) << ledger.forwards << ledger.backwards << ledger.queries
      << ledger.executed_forwards << ledger.executed_backwards << ledger.source_forwards
      << ledger.source_backwards << ledger.scoring_forwards << r.seconds << r.finished << r.identity
      << r.fingerprint << r.x_adv << escape_hidden(r.parameters);
  add_derived(row, r);
  return row.line();
}

}  // namespace

std::string report_csv(const results::Store::Run& run) {
  const Summary summary(run);
  std::string text = kHeader;
  for (const results::CellRecord& record : summary.run.cells) text += line_of(record);
  return text;
}

std::string differences_csv(const results::Store::Run& run) {
  const Summary summary(run);
  std::string text =
      "suite,defense,baseline,attack,threat,norm,epsilon,samples,difference,interval_low,"
      "interval_high,interval_level,interval_method,p_below,flags\n";
  for (const results::Difference& one : summary.run.differences) {
    CsvRow row;
    row << summary.run.suite << one.defense << one.baseline << one.attack << one.threat.name
        << one.threat.norm << one.threat.epsilon << one.samples;
    if (one.ok)
      row << one.value << one.interval.low << one.interval.high << one.interval.level
          << one.interval.method << one.p_below << joined(sentences(summary.findings_of(one)));
    else
      for (int i = 0; i < 7; ++i) row << std::string();
    text += row.line();
  }
  return text;
}

std::string certified_csv(const results::Store::Run& run) {
  const Summary summary(run);
  std::string text =
      "suite,defense,dataset,split,seed,status,reason,alpha,sample,label,answer,radius,right,"
      "identity,fingerprint,flags\n";
  for (const results::Certification& r : summary.run.certifications) {
    const auto add = [&](const results::CertifiedSample* c) {
      const std::string none;
      CsvRow row;
      row << r.suite << r.defense << r.dataset << r.split << r.seed << to_string(r.status)
          << r.reason;
      if (!c)
        row << none << none << none << none << none << none;
      else if (c->answer < 0)
        row << r.alpha << c->index << c->label << none << none << false;
      else
        row << r.alpha << c->index << c->label << c->answer << c->radius << (c->answer == c->label);
      row << r.identity << r.fingerprint << joined(sentences(r.flags));
      text += row.line();
    };
    if (!has_result(r)) add(nullptr);
    for (const results::CertifiedSample& c : r.certificates)
      if (has_result(r)) add(&c);
  }
  return text;
}

}  // namespace gauntlet::reports::files
