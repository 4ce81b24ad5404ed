// Figures of detectors and of hypocritical attacks, a row for each cell that has some.
#include <fmt/format.h>

#include "reports/page/view.h"
#include "reports/text/text.h"

namespace gauntlet::reports::page {
namespace {

View place_in_table(const Summary& summary, const results::CellRecord& record) {
  return {
      {"defense", record.defense},
      {"attack", record.attack},
      {"threat", title_of(record.threat) +
                     (summary.seeds.size() > 1 ? ", seed " + std::to_string(record.seed) : "")}};
}

}  // namespace

View detectors_of(const Summary& summary) {
  View rows = View::array();
  for (const results::CellRecord& record : summary.run.cells) {
    if (!has_result(record) || !record.detector) continue;
    const results::DetectorFigures& figures = *record.detector;
    View row = place_in_table(summary, record), rates = View::array();
    for (const results::DetectorFigures::At& at : figures.at)
      rates.push_back({{"number", percent(at.true_positive_rate)},
                       {"spread", interval_text(at.interval)},
                       {"refused", grouped(at.false_positives)}});
    row["auc"] = fmt::format("{:.3f}", figures.auc), row["rates"] = rates;
    row["clean"] = grouped(figures.clean_images),
    row["attacked"] = grouped(figures.attacked_images);
    rows.push_back(std::move(row));
  }
  return rows;
}

View risks_of(const Summary& summary) {
  View rows = View::array();
  for (const results::CellRecord& record : summary.run.cells) {
    if (!has_result(record) || !record.hypocritical) continue;
    View row = place_in_table(summary, record);
    row["risk"] = percent(record.hypocritical->risk);
    row["spread"] = interval_text(record.hypocritical->interval);
    row["images"] = grouped(record.hypocritical->images);
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace gauntlet::reports::page
