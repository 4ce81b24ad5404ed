#include "analysis/differences.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <stdexcept>

#include "gauntlet/statistics.h"
#include "results/settings.h"

namespace gauntlet::analysis {
namespace {

using Records = std::vector<const results::CellRecord*>;

bool same_column(const results::CellRecord& a, const results::CellRecord& b) {
  return a.attack == b.attack && a.threat == b.threat;
}

/// One record a seed; nullopt where one of the run's seeds has no result.
std::optional<Records> records_of(const std::string& defense, const results::CellRecord& column,
                                  const std::vector<results::CellRecord>& cells) {
  Records out;
  for (const results::CellRecord& cell : cells) {
    if (cell.defense != defense || !same_column(cell, column)) continue;
    if (cell.status != results::Status::kOk) return {};
    out.push_back(&cell);
  }
  return out.empty() ? std::nullopt : std::optional(out);
}

results::Difference difference_of(const std::optional<Records>& rows,
                                  const std::optional<Records>& baseline, Accuracy accuracy,
                                  const results::OutcomesOf& outcomes) {
  if (!rows || !baseline || rows->size() != baseline->size()) return {};
  const Pairs pairs = pairs_of({*baseline, outcomes}, {*rows, outcomes}, accuracy);
  return pairs.a.empty() ? results::Difference{} : paired_difference(pairs);
}

/// The columns of a run: each attack under each threat, threats together.
std::vector<const results::CellRecord*> columns_of(const std::vector<results::CellRecord>& cells) {
  std::vector<const results::CellRecord*> out;
  for (const results::CellRecord& cell : cells)
    if (std::none_of(out.begin(), out.end(), [&](auto* c) { return same_column(*c, cell); }))
      out.push_back(&cell);
  const auto threat = [&](const results::CellRecord* column) {
    return std::find_if(out.begin(), out.end(),
                        [&](const results::CellRecord* c) { return c->threat == column->threat; });
  };
  std::map<const results::CellRecord*, int64_t> first;
  for (const results::CellRecord* column : out) first[column] = threat(column) - out.begin();
  std::stable_sort(out.begin(), out.end(), [&](auto* a, auto* b) { return first[a] < first[b]; });
  return out;
}
}  // namespace

std::vector<results::Difference> differences_of(const std::string& settings,
                                                const std::vector<results::CellRecord>& cells,
                                                const results::OutcomesOf& outcomes) {
  const std::vector<const results::CellRecord*> columns = columns_of(cells);
  std::vector<results::Difference> out;
  for (const results::Settings::Row& row : results::settings_of(settings).defenses) {
    if (row.baseline.empty()) continue;
    const auto of = [&](const results::CellRecord& column, Accuracy accuracy) {
      results::Difference one =
          difference_of(records_of(row.name, column, cells),
                        records_of(row.baseline, column, cells), accuracy, outcomes);
      one.defense = row.name, one.baseline = row.baseline, one.attack = column.attack;
      one.threat = column.threat;
      return one;
    };
    size_t clean = 0;  // place of the threat's difference without an attack
    for (size_t i = 0; i < columns.size(); ++i) {
      // Of the column that saw the most images; a skipped one saw none.
      results::Difference here = of(*columns[i], Accuracy::kClean);
      here.attack.clear();
      if (i == 0 || columns[i - 1]->threat != columns[i]->threat) {
        clean = out.size();
        out.push_back(std::move(here));
      } else if (here.samples > out[clean].samples) {
        out[clean] = std::move(here);
      }
      out.push_back(of(*columns[i], Accuracy::kRobust));
    }
  }
  return out;
}

}  // namespace gauntlet::analysis
