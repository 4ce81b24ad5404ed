// Rows against their baseline, paired over images.
#include <algorithm>

#include "reports/best.h"
#include "reports/page/view.h"
#include "reports/text/free_text.h"
#include "reports/text/text.h"

namespace gauntlet::reports::page {
namespace {

View difference_cell(const Summary& summary, const results::Difference* difference) {
  if (!difference || !difference->ok)
    return {{"ok", false}, {"number", "—"},       {"interval", ""},
            {"mark", ""},  {"hint", "no result"}, {"text", "—"}};
  const std::string interval =
      points(difference->interval.low) + " to " + points(difference->interval.high);
  const std::string mark = difference->p_below < kSignificant       ? "▼"
                           : difference->p_below > 1 - kSignificant ? "▲"
                                                                    : "";
  const std::vector<std::string> found = sentences(summary.findings_of(*difference));
  const std::string marks = mark + (found.empty() ? "" : mark.empty() ? "⚑" : " ⚑");
  return {{"ok", true},
          {"number", points(difference->value)},
          {"interval", interval},
          {"mark", marks},
          {"hint", counted(difference->samples, "image") +
                       (found.empty() ? "" : " · " + shortened(found.front(), kLongestName))},
          {"text",
           points(difference->value) + " (" + interval + ")" + (marks.empty() ? "" : " " + marks)}};
}

View table_of(const Summary& summary, const results::Threat& threat) {
  std::vector<std::string> attacks;
  View columns = View::array(), rows = View::array();
  for (const results::Difference& one : summary.run.differences)
    if (one.threat == threat && !one.attack.empty() &&
        std::find(attacks.begin(), attacks.end(), one.attack) == attacks.end())
      attacks.push_back(one.attack);
  for (const std::string& attack : attacks) columns.push_back({{"attack", attack}});
  for (const results::Difference& first : summary.run.differences) {
    if (!first.attack.empty() || first.threat != threat) continue;
    const auto of = [&](const std::string& attack) -> const results::Difference* {
      for (const results::Difference& one : summary.run.differences)
        if (one.defense == first.defense && one.attack == attack && one.threat == threat)
          return &one;
      return nullptr;
    };
    View cells = View::array({difference_cell(summary, &first)});
    for (const std::string& attack : attacks) cells.push_back(difference_cell(summary, of(attack)));
    rows.push_back({{"defense", first.defense}, {"baseline", first.baseline}, {"cells", cells}});
  }
  return {{"threat", title_of(threat)}, {"columns", columns}, {"rows", rows}};
}

}  // namespace

View differences_of(const Summary& summary) {
  View tables = View::array();
  std::vector<results::Threat> threats;
  for (const results::Difference& one : summary.run.differences)
    if (std::find(threats.begin(), threats.end(), one.threat) == threats.end())
      threats.push_back(one.threat);
  for (const results::Threat& threat : threats) tables.push_back(table_of(summary, threat));
  return tables;
}

}  // namespace gauntlet::reports::page
