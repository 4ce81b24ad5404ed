// The matrices: defenses by attacks, one per threat.
#include <algorithm>
#include <cmath>

#include "reports/audits.h"
#include "reports/page/view.h"
#include "reports/text/free_text.h"
#include "reports/text/text.h"

namespace gauntlet::reports::page {
namespace {

/// More are shown densely.
constexpr size_t kManyColumns = 12, kManyRows = 14;
constexpr size_t kLongestHint = 300;  // bytes

/// Every name the templates ask a cell for, so that none is looked up in the row around it.
View blank_cell() {
  return {{"state", "absent"}, {"ok", false},
          {"number", ""},      {"prefix", ""},
          {"spread", ""},      {"value", ""},
          {"low", ""},         {"width", ""},
          {"href", ""},        {"hint", "not in the suite"},
          {"badge", "—"},      {"note", ""},
          {"marks", ""},       {"fewer", ""},
          {"failed", ""},      {"text", "—"}};
}

void set_number(View& cell, double value, double low, double high, const std::string& spread) {
  low = std::clamp(low, 0.0, 1.0);
  high = std::clamp(high, 0.0, 1.0);
  cell["state"] = "ok";
  cell["ok"] = true;
  cell["badge"] = "";
  cell["number"] = percent(value);
  cell["spread"] = spread;
  cell["value"] = exact(value);
  cell["low"] = exact(100 * low);
  cell["width"] = exact(100 * (high - low));
  cell["text"] = percent(value) + " (" + spread + ")";
}

/// One seed: the interval over images. Several: the standard deviation over seeds.
template <typename Record>
void set_result(View& cell, const Group<Record>& group) {
  const Record& first = *group.records.front();
  const double mean = group.robust->mean;
  if (group.records.size() == 1)
    return set_number(cell, mean, first.interval.low, first.interval.high,
                      interval_text(first.interval));
  const double sd = group.robust->sd.value_or(0);
  set_number(cell, mean, mean - sd, mean + sd, "± " + percent(sd));
}

/// "", or how many of several seeds it holds for.
std::string of_seeds(size_t count, size_t seeds) {
  if (seeds == 1) return "";
  return std::to_string(count) + " of " + std::to_string(seeds) + " seeds";
}

void set_failure(View& cell, const Group<results::CellRecord>& group) {
  // The gravest of the seeds' states speaks for the cell.
  for (const results::Status status :
       {results::Status::kError, results::Status::kInvalid, results::Status::kSkipped}) {
    size_t count = 0;
    const results::CellRecord* shown = nullptr;
    for (const results::CellRecord* record : group.records)
      if (record->status == status) ++count, shown = record;
    if (!shown) continue;
    cell["state"] = cell["badge"] = to_string(status);
    cell["note"] = of_seeds(count, group.records.size());
    cell["hint"] = to_string(status) + ": " + shortened(shown->reason, kLongestHint);
    cell["text"] = to_string(status);
    return;
  }
}

/// A number over fewer images than its neighbours says so.
template <typename Record>
void note_samples(View& cell, const Summary& summary, const Group<Record>& group) {
  const int64_t samples = group.records.front()->samples;
  if (samples == summary.most_samples) return;
  cell["fewer"] = counted(samples, "image");
  cell["text"] = cell["text"].get<std::string>() + " of " + counted(samples, "image");
}

/// A mark that leads to the table's notes, and the first finding where the pointer rests.
void set_findings(View& cell, const std::string& mark, const std::vector<std::string>& findings) {
  if (mark.empty()) return;
  cell["marks"] = mark;
  cell["hint"] =
      cell["hint"].get<std::string>() + " · " + shortened(findings.front(), kLongestHint);
  cell["text"] = cell["text"].get<std::string>() + " " + mark;
}

View cell_view(const Summary& summary, const Group<results::CellRecord>* group,
               FindingNotes& notes) {
  View cell = blank_cell();
  if (!group && !summary.run.complete) cell["hint"] = "not reached, or not in the suite";
  if (!group) return cell;
  cell["href"] = anchor(summary, *group);
  if (!group->robust) {
    set_failure(cell, *group);
    return cell;
  }
  set_result(cell, *group);
  note_samples(cell, summary, *group);
  const results::CellRecord& first = *group->records.front();
  cell["hint"] = first.defense + " under " + first.attack + ": " +
                 cell["number"].get<std::string>() + " % right of " +
                 counted(first.samples, "image") +
                 (first.trials > 1 ? ", " + counted(first.trials, "trial") + " each" : "");
  const std::vector<std::string> found = findings(*group);
  set_findings(cell, notes.mark(found), found);
  return cell;
}

/// Why a group has no number: the first reason given.
std::string reason_of(const Group<results::WorstCase>& group) {
  for (const results::WorstCase* record : group.records)
    if (!record->reason.empty()) return shortened(record->reason, kLongestHint);
  return "no attack gave a valid result";
}

View worst_view(const Summary& summary, const Group<results::WorstCase>* group,
                FindingNotes& notes) {
  View cell = blank_cell();
  cell["hint"] = "no worst case was computed";
  if (!group) return cell;
  cell["href"] = anchor(summary, *group);
  if (!group->robust) {
    cell["hint"] = reason_of(*group);
    return cell;
  }
  set_result(cell, *group);
  note_samples(cell, summary, *group);
  const results::WorstCase& first = *group->records.front();
  cell["hint"] = "minimum over " + counted(first.attacks.size(), "attack") + ", image by image";
  std::string missing;
  for (const results::WorstCase* record : group->records)
    if (!record->complete && missing.empty()) {
      for (const std::string& name : record->missing)
        missing += (missing.empty() ? "" : ", ") + name;
      cell["prefix"] = "≤ ";
      cell["note"] = "incomplete";
      cell["hint"] =
          "an upper bound: no valid result of " + (missing.empty() ? "some attack" : missing);
      cell["text"] = "≤ " + cell["text"].get<std::string>();
    }
  const std::vector<std::string> found = findings(*group);
  set_findings(cell, notes.mark(found, first.attacks), found);
  if (const results::Check* failure =
          failure_of(summary.run.audits, group->defense, group->threat)) {
    cell["failed"] = word_of(failure->level);
    cell["text"] = cell["text"].get<std::string>() + " " + word_of(failure->level);
    cell["hint"] = "the audit fails it: " + shortened(sentence(*failure), kLongestHint);
  }
  return cell;
}

/// The row's clean accuracy.
View clean_view(const Summary& summary, const std::string& defense, const results::Threat& threat) {
  View cell = blank_cell();
  cell["hint"] = "no valid result";
  const auto* group = summary.clean_cell(defense, threat);
  if (!group) return cell;
  const std::optional<Spread>& clean = group->clean;
  const std::string sd = clean->sd ? "± " + percent(*clean->sd) : "";
  set_number(cell, clean->mean, clean->mean, clean->mean, sd);
  cell["text"] = percent(clean->mean) + (sd.empty() ? "" : " (" + sd + ")");
  cell["hint"] = "accuracy without an attack";
  return cell;
}

/// Mean over the results of a row or a column; no result, no mean.
struct Mean {
  double sum = 0;
  int64_t count = 0;
  void add(double value) { sum += value, ++count; }
  std::string value() const { return count ? exact(sum / double(count)) : ""; }
  std::string text() const { return count ? brief(sum / double(count)) : "—"; }
};

double an_image(double total, const results::CellRecord& record) {
  return total / double(std::max<int64_t>(1, record.samples));
}

View row_of(const Summary& summary, const std::string& defense, const results::Threat& threat,
            FindingNotes& notes) {
  View cells = View::array();
  const double answer = summary.passes_of_answer(defense);
  Mean time;
  for (const std::string& attack : summary.attacks) {
    const auto* group = summary.cell(defense, attack, threat);
    cells.push_back(cell_view(summary, group, notes));
    if (!group) continue;
    for (const results::CellRecord* record : group->records) {
      if (!has_result(*record)) continue;
      if (std::isfinite(record->seconds)) time.add(an_image(1000 * record->seconds, *record));
    }
  }
  return {{"defense", defense},
          {"pieces", pieces_of(defense)},
          {"answer", answer > 0 ? brief(answer) : "—"},
          {"answer_value", answer > 0 ? exact(answer) : ""},
          {"time", time.text()},
          {"time_value", time.value()},
          {"clean", clean_view(summary, defense, threat)},
          {"cells", cells},
          {"worst", worst_view(summary, summary.worst_case(defense, threat), notes)}};
}

/// What each column costs, below the matrix.
View feet_of(const Summary& summary, const results::Threat& threat) {
  View passes = View::array(), times = View::array();
  for (const std::string& attack : summary.attacks) {
    Mean asked, time;
    for (const std::string& defense : summary.defenses)
      if (const auto* group = summary.cell(defense, attack, threat))
        for (const results::CellRecord* record : group->records) {
          if (!has_result(*record)) continue;
          asked.add(an_image(double(record->ledger.forwards), *record));
          if (std::isfinite(record->seconds)) time.add(an_image(1000 * record->seconds, *record));
        }
    passes.push_back({{"value", asked.text()}});
    times.push_back({{"value", time.text()}});
  }
  return View::array({{{"name", "passes requested, an image"}, {"values", passes}},
                      {{"name", "ms an image"}, {"values", times}}});
}

}  // namespace

View matrices_of(const Summary& summary) {
  View matrices = View::array();
  for (size_t i = 0; i < summary.threats.size(); ++i) {
    const results::Threat& threat = summary.threats[i];
    View columns = View::array(), rows = View::array();
    FindingNotes notes;
    for (const std::string& attack : summary.attacks)
      columns.push_back({{"attack", attack}, {"pieces", pieces_of(attack)}});
    for (const std::string& defense : summary.defenses)
      rows.push_back(row_of(summary, defense, threat, notes));
    const View told = notes.view();
    matrices.push_back({{"anchor", "threat-" + std::to_string(i)},
                        {"threat", title_of(threat)},
                        {"columns", columns},
                        {"rows", rows},
                        {"dense", columns.size() > kManyColumns || rows.size() > kManyRows},
                        {"has_notes", !told.empty()},
                        {"notes", told},
                        {"feet", feet_of(summary, threat)}});
  }
  return matrices;
}

}  // namespace gauntlet::reports::page
