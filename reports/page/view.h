// What the page and the Markdown report show, as plain text under names that the templates use.
// Both templates are filled from this one view, so they cannot disagree.
#pragma once
#include <nlohmann/json.hpp>
#include <string>

#include "reports/images.h"
#include "reports/summary.h"

namespace gauntlet::reports::page {

using View = nlohmann::ordered_json;

View view_of(const Summary& summary);

/// Parts of it.
View matrices_of(const Summary& summary);
View failures_of(const Summary& summary);
View findings_of(const Summary& summary);
View audits_of(const Summary& summary);
/// {row, worst, word, probed, reason, alarms, passed} for the template audit.
View audit_view_of(const std::string& row, const results::RowAudit& audit);
/// Findings below a table of numbers, and the marks of those numbers: "⚑ 1, 3". The same finding
/// has the same number; beyond the first dozen it is "⚑ +".
class FindingNotes {
 public:
  /// "" where there is none. `about`: what begins the findings and need not be told, as "pgd: ".
  std::string mark(const std::vector<std::string>& findings,
                   const std::vector<std::string>& about = {});
  /// [{mark, finding}]
  View view() const;

 private:
  std::vector<std::string> findings_;
};
View details_of(const Summary& summary);
/// [{name, value, fallback, changed}] of a record's parameters or environment.
View parameter_rows_of(const std::string& json);
View attack_parameters_of(const Summary& summary);
View defense_parameters_of(const Summary& summary);
View other_parameters_of(const Summary& summary);
View environment_of(const Summary& summary);
View certified_of(const Summary& summary);
View differences_of(const Summary& summary);
View distances_of(const Summary& summary);
/// [{defense, attack, threat, auc, rates: [{number, spread, refused}], clean, attacked}] of cells
/// with a detector; rates at most 1 and 5 percent of false positives.
View detectors_of(const Summary& summary);
/// [{defense, attack, threat, risk, spread, images}] of cells with a hypocritical goal.
View risks_of(const Summary& summary);
View trainings_of(const Summary& summary);
View transfers_of(const Summary& summary);
View classes_of(const Summary& summary, const RunImages& images);
View attack_costs_of(const Summary& summary);
View defense_costs_of(const Summary& summary);

/// A name as [{piece}] between which a line may break: after marks like "_" and "=".
View pieces_of(const std::string& name);

/// Charts of the page, and their numbers in the same order for charts.js.
struct ChartsView {
  View curves = View::array(), costs = View::array(), numbers = View::array();
};
ChartsView charts_of(const Summary& summary);
/// Which images each attack took, for report.js: [{threat, defenses: [{name, attacks, both, alone,
/// images}]}].
View overlaps_of(const Summary& summary, const RunImages& images);
/// JSON that is harmless inside a <script> element.
std::string script_data(const View& value);

/// The same in every part: "#cell-3" is the detail of summary.cells[3].
std::string anchor(const Summary& summary, const Group<results::CellRecord>& group);
std::string anchor(const Summary& summary, const Group<results::WorstCase>& group);
/// "42.6 to 48.8"
std::string interval_text(const results::Interval& interval);

/// A page of one of the templates below reports/templates/, partials and style put in, and the
/// scripts as {{{script}}}.
std::string html_page(std::string_view text, View view,
                      const std::vector<std::string_view>& scripts);

/// Fills one of the templates below reports/templates/. `escape` makes a text harmless.
std::string render(std::string_view text, const View& view,
                   const std::function<std::string(const std::string&)>& escape);

}  // namespace gauntlet::reports::page
