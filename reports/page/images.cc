// What single images show: who transfers to whom, classes, and which images each attack takes.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "reports/page/view.h"
#include "reports/text/free_text.h"
#include "reports/text/text.h"

namespace gauntlet::reports::page {
namespace {

constexpr size_t kMostClasses = 20;  // that a table is readable with

View heat_cell(std::optional<double> share, const std::string& hint, bool flagged = false) {
  if (!share || std::isnan(*share))
    return {{"ok", false}, {"number", "—"}, {"value", ""}, {"hint", hint}};
  return {{"ok", true},
          {"number", percent(*share) + (flagged ? " ⚑" : "")},
          {"value", exact(*share)},
          {"hint", hint}};
}

std::optional<double> accuracy_of(const Group<results::CellRecord>* group) {
  if (!group || !group->robust) return {};
  return group->robust->mean;
}

View transfer_cell(const Group<results::CellRecord>* group, const std::string& hint) {
  const std::vector<std::string> found = group ? findings(*group) : std::vector<std::string>();
  return heat_cell(accuracy_of(group),
                   hint + (found.empty() ? "" : " · " + shortened(found.front(), kLongestName)),
                   !found.empty());
}

/// The model that a transfer column crafts on; "" of another column.
std::string source_of(const Summary& summary, const std::string& attack) {
  for (const results::CellRecord& cell : summary.run.cells) {
    if (cell.attack != attack) continue;
    const auto parameters = object_of(cell.parameters);
    const nlohmann::ordered_json::json_pointer plugin("/attack/plugin"),
        source("/attack/params/source/value");
    if (!parameters.contains(plugin) || parameters[plugin] != "transfer" ||
        !parameters.contains(source))
      return "";
    const auto& value = parameters[source];
    return value.is_string() ? value.get<std::string>() : value.dump();
  }
  return "";
}

/// The classes to show: all, or those with the lowest accuracy over all rows.
std::vector<size_t> shown_classes(const std::vector<std::vector<double>>& rows, size_t count) {
  std::vector<size_t> order(count);
  std::iota(order.begin(), order.end(), size_t(0));
  if (count <= kMostClasses) return order;
  std::vector<double> sums(count);
  for (const auto& row : rows)
    for (size_t c = 0; c < count; ++c) sums[c] += std::isnan(row[c]) ? 1 : row[c];
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return sums[a] < sums[b]; });
  order.resize(kMostClasses);
  return order;
}

View row_of_classes(const std::string& defense, const std::vector<double>& clean,
                    const std::vector<double>& robust, const std::vector<size_t>& shown,
                    const RunImages& images) {
  View cells = View::array();
  for (const size_t c : shown)
    cells.push_back(heat_cell(
        robust[c],
        defense + ", " + images.classes()[c] + ": " +
            (std::isnan(clean[c]) ? "no image" : percent(clean[c]) + " % without an attack")));
  return {{"defense", defense}, {"cells", cells}};
}

bool is_flagged(const Group<results::WorstCase>* worst) {
  return worst && !findings(*worst).empty();
}

bool is_taken(const ImageRates& rates, size_t image) {
  return rates.clean[image] >= 0.5f && rates.robust[image] < 0.5f;
}

View overlap_of(const std::string& defense, const std::vector<std::string>& attacks,
                const std::vector<const ImageRates*>& rates, size_t size) {
  const size_t n = attacks.size();
  std::vector<std::vector<int64_t>> both(n, std::vector<int64_t>(n));
  std::vector<int64_t> alone(n);
  int64_t images = 0;
  std::vector<size_t> takers;
  for (size_t i = 0; i < size; ++i) {
    takers.clear();
    for (size_t a = 0; a < n; ++a)
      if (is_taken(*rates[a], i)) takers.push_back(a);
    images += !takers.empty();
    if (takers.size() == 1) ++alone[takers[0]];
    for (const size_t a : takers)
      for (const size_t b : takers) ++both[a][b];
  }
  return {
      {"name", defense}, {"attacks", attacks}, {"both", both}, {"alone", alone}, {"taken", images}};
}

}  // namespace

View transfers_of(const Summary& summary) {
  std::vector<std::pair<std::string, std::string>> columns;  // attack, source
  for (const std::string& attack : summary.attacks)
    if (const std::string source = source_of(summary, attack); !source.empty())
      columns.emplace_back(attack, source);
  View tables = View::array();
  if (columns.empty()) return tables;
  View targets = View::array();
  for (const std::string& defense : summary.defenses) targets.push_back({{"defense", defense}});
  for (const results::Threat& threat : summary.threats) {
    View rows = View::array();
    for (const auto& [attack, source] : columns) {
      View cells = View::array();
      for (const std::string& defense : summary.defenses)
        cells.push_back(transfer_cell(summary.cell(defense, attack, threat),
                                      "crafted on " + source + ", judged by " + defense));
      rows.push_back({{"attack", attack}, {"source", source}, {"cells", cells}});
    }
    tables.push_back({{"threat", title_of(threat)}, {"targets", targets}, {"rows", rows}});
  }
  return tables;
}

View classes_of(const Summary& summary, const RunImages& images) {
  View tables = View::array();
  for (const results::Threat& threat : summary.threats) {
    std::vector<std::string> defenses;
    std::vector<std::vector<double>> clean, worst;
    for (const std::string& defense : summary.defenses) {
      const ImageRates rates = images.worst(defense, threat);
      if (rates.empty()) continue;
      defenses.push_back(defense);
      clean.push_back(by_class(images, rates.clean));
      worst.push_back(by_class(images, rates.robust));
    }
    if (defenses.empty()) continue;
    const std::vector<size_t> shown = shown_classes(worst, images.classes().size());
    View heads = View::array(), rows = View::array();
    for (const size_t c : shown) heads.push_back({{"name", images.classes()[c]}});
    for (size_t d = 0; d < defenses.size(); ++d)
      rows.push_back(row_of_classes(defenses[d], clean[d], worst[d], shown, images)),
          rows.back()["flagged"] = is_flagged(summary.worst_case(defenses[d], threat));
    tables.push_back({{"threat", title_of(threat)},
                      {"classes", heads},
                      {"rows", rows},
                      {"some", shown.size() < images.classes().size()
                                   ? grouped(int64_t(shown.size())) + " of " +
                                         grouped(int64_t(images.classes().size())) +
                                         " classes, those with the lowest accuracy"
                                   : ""}});
  }
  return tables;
}

View overlaps_of(const Summary& summary, const RunImages& images) {
  View threats = View::array();
  for (const results::Threat& threat : summary.threats) {
    View defenses = View::array();
    for (const std::string& defense : summary.defenses) {
      std::vector<std::string> attacks;
      std::vector<const ImageRates*> rates;
      for (const std::string& attack : summary.attacks) {
        const auto* group = summary.cell(defense, attack, threat);
        if (!group || images.of(*group).empty()) continue;
        attacks.push_back(attack);
        rates.push_back(&images.of(*group));
      }
      if (attacks.size() > 1)
        defenses.push_back(overlap_of(defense, attacks, rates, images.size()));
    }
    if (!defenses.empty())
      threats.push_back({{"threat", title_of(threat)}, {"defenses", defenses}});
  }
  return threats;
}

}  // namespace gauntlet::reports::page
