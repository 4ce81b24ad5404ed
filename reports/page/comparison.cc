// Two runs side by side: the view of both pages, and the text for a terminal.
#include "reports/page/comparison.h"

#include <fmt/format.h>

#include "base/shown.h"
#include "reports/page/view.h"
#include "reports/text/free_text.h"
#include "reports/text/text.h"

namespace gauntlet::reports::page {
namespace {

constexpr size_t kLongestValue = 60;

std::string p_text(double p) { return p < 0.0001 ? "<0.0001" : fmt::format("{:.2g}", p); }

std::string attack_text(const analysis::ComparedCell& cell) {
  return cell.attack.empty() ? "without an attack" : shortened(cell.attack, kLongestName);
}

std::string threat_text(const analysis::ComparedCell& cell) {
  if (cell.attack.empty()) return "";
  results::Threat threat = cell.threat;
  threat.name = shortened(threat.name, kLongestName);
  return title_of(threat);
}

std::string place_text(const analysis::ComparedCell& cell) {
  const std::string threat = threat_text(cell);
  return shortened(cell.defense, kLongestName) + " × " + attack_text(cell) +
         (threat.empty() ? "" : " (" + threat + ")");
}

std::string mark_of(const analysis::ComparedCell& cell) {
  return !cell.significant() ? "" : cell.difference() < 0 ? "▼" : "▲";
}

/// Long values (lists of samples, hashes) by their beginning.
std::string value_text(const std::string& json) {
  if (json.empty()) return "—";
  if (json.size() <= kLongestValue) return json;
  size_t end = kLongestValue;
  while ((json[end] & 0xC0) == 0x80) --end;  // not within a character
  return fmt::format("{}…", json.substr(0, end));
}

bool refused_by(const ComparisonPage& page, const analysis::ComparedCell& cell) {
  return page.gate && cell.beyond(*page.gate);
}

View cell_of(const analysis::ComparedCell& cell, bool refused) {
  return {{"defense", shortened(cell.defense, kLongestName)},
          {"attack", attack_text(cell)},
          {"threat", threat_text(cell)},
          {"of_a", percent(cell.a)},
          {"of_b", percent(cell.b)},
          {"difference", points(cell.difference())},
          {"value", exact(cell.difference())},
          {"interval", points(cell.interval.low) + " to " + points(cell.interval.high)},
          {"samples", grouped(cell.samples)},
          {"count", std::to_string(cell.samples)},
          {"worse", grouped(cell.worse)},
          {"better", grouped(cell.better)},
          {"p", cell.same ? "same record" : p_text(cell.p)},
          {"p_value", exact(cell.p)},
          {"p_adjusted", cell.same ? "" : p_text(cell.p_adjusted)},
          {"p_adjusted_value", exact(cell.p_adjusted)},
          {"test", cell.test},
          {"mark", mark_of(cell)},
          {"significant", cell.significant()},
          {"direction", !cell.significant()     ? ""
                        : cell.difference() < 0 ? "worse"
                                                : "better"},
          {"refused", refused}};
}

View run_of(const std::string& side, const std::string& name, const results::Store::Run& run) {
  return {{"side", side},
          {"name", name},
          {"suite", shortened(run.suite, kLongestName)},
          {"started", day_and_time(run.started)},
          {"complete", run.complete}};
}

/// "12 cells compared, 2 differ with significance, 1 has no result in B."
std::string verdict_of(const ComparisonPage& page) {
  int64_t compared = 0, significant = 0, lost = 0, other = 0;
  for (const analysis::ComparedCell& cell : page.comparison.cells) {
    compared += cell.problem.empty();
    significant += cell.significant();
    lost += cell.lost;
    other += !cell.problem.empty() && !cell.lost;
  }
  std::string text = counted(compared, "cell") + " compared, " +
                     (significant == 0 ? "none" : grouped(significant)) +
                     (significant > 1 ? " differ" : " differs") + " with significance";
  if (lost > 0) text += ", " + grouped(lost) + " lost in B";
  if (other > 0) text += ", " + grouped(other) + " without a result in both";
  text += ".";
  if (!page.gate) return text;
  const auto beyond = int64_t(page.comparison.beyond(*page.gate).size());
  const std::string gate = fmt::format(" Gate of {:g} points: ", *page.gate);
  return text + gate + (beyond == 0 ? "passed." : counted(beyond, "cell") + " beyond it.");
}
}  // namespace

View view_of(const ComparisonPage& page) {
  View cells = View::array(), problems = View::array(), changes = View::array();
  for (const analysis::ComparedCell& cell : page.comparison.cells) {
    if (cell.problem.empty())
      cells.push_back(cell_of(cell, refused_by(page, cell)));
    else
      problems.push_back({{"place", place_text(cell)},
                          {"problem", shortened(cell.problem, kLongestText)},
                          {"refused", cell.lost}});
  }
  for (const analysis::ComparedChange& one : page.comparison.changes)
    changes.push_back({{"what", shortened(one.change.what, kLongestName)},
                       {"old", value_text(one.change.a)},
                       {"new", value_text(one.change.b)},
                       {"cells", one.cells == 0 ? "the run" : grouped(one.cells)}});
  View view = {{"a", page.name_a},
               {"b", page.name_b},
               {"verdict", verdict_of(page)},
               {"runs", View::array({run_of("A", page.name_a, page.run_a),
                                     run_of("B", page.name_b, page.run_b)})},
               {"has_gate", page.gate.has_value()},
               {"passed", !page.gate || page.comparison.beyond(*page.gate).empty()},
               {"cells", cells},
               {"problems", problems},
               {"changes", changes}};
  for (const char* list : {"cells", "problems", "changes"})
    view[std::string("has_") + list] = !view[list].empty();
  return view;
}

std::string comparison_text(const ComparisonPage& page, bool all) {
  std::string text = page.name_a + " → " + page.name_b + "\n" + verdict_of(page) + "\n";
  for (const analysis::ComparedCell& cell : page.comparison.cells) {
    const bool refused = refused_by(page, cell);
    const std::string mark = refused ? "✗" : mark_of(cell).empty() ? " " : mark_of(cell);
    if (!cell.problem.empty())
      text += mark + " " + printable(place_text(cell)) + ": not compared, " +
              printable(shortened(cell.problem, kLongestText)) + "\n";
    else if (all || cell.significant() || refused)
      text += fmt::format("{} {}: {} → {}, {} ({} to {}), p {} ({} by Holm)\n", mark,
                          printable(place_text(cell)), percent(cell.a), percent(cell.b),
                          points(cell.difference()), points(cell.interval.low),
                          points(cell.interval.high), p_text(cell.p), p_text(cell.p_adjusted));
  }
  if (page.comparison.changes.empty()) return visible(text + "Nothing changed between them.\n");
  text += "What changed:\n";
  for (const auto& [change, cells] : page.comparison.changes)
    text +=
        fmt::format("  {}: {} → {}{}\n", shortened(change.what, kLongestName), value_text(change.a),
                    value_text(change.b), cells == 0 ? "" : " (" + counted(cells, "cell") + ")");
  return visible(text);
}

}  // namespace gauntlet::reports::page
