#include "results/differences.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>

#include "gauntlet/statistics.h"

namespace gauntlet {
namespace {

using Records = std::vector<const CellRecord*>;

bool same_threat(const CellRecord& a, const CellRecord& b) {
  return a.threat == b.threat && a.norm == b.norm && a.epsilon == b.epsilon;
}

bool same_column(const CellRecord& a, const CellRecord& b) {
  return a.attack == b.attack && same_threat(a, b);
}

/// One record a seed; nullopt where one of the run's seeds has no result.
std::optional<Records> records_of(const std::string& defense, const CellRecord& column,
                                  const std::vector<CellRecord>& cells) {
  Records out;
  for (const CellRecord& cell : cells) {
    if (cell.defense != defense || !same_column(cell, column)) continue;
    if (cell.status != Status::kOk) return {};
    out.push_back(&cell);
  }
  return out.empty() ? std::nullopt : std::optional(out);
}

Difference difference_of(const std::optional<Records>& rows, const std::optional<Records>& baseline,
                         Accuracy accuracy, const OutcomesOf& outcomes) {
  if (!rows || !baseline || rows->size() != baseline->size()) return {};
  const Pairs pairs = pairs_of({*baseline, outcomes}, {*rows, outcomes}, accuracy);
  return pairs.a.empty() ? Difference{} : paired_difference(pairs);
}

/// The columns of a run: each attack under each threat, threats together.
std::vector<const CellRecord*> columns_of(const std::vector<CellRecord>& cells) {
  std::vector<const CellRecord*> out;
  for (const CellRecord& cell : cells)
    if (std::none_of(out.begin(), out.end(), [&](auto* c) { return same_column(*c, cell); }))
      out.push_back(&cell);
  const auto threat = [&](const CellRecord* column) {
    return std::find_if(out.begin(), out.end(),
                        [&](const CellRecord* c) { return same_threat(*c, *column); });
  };
  std::map<const CellRecord*, int64_t> first;
  for (const CellRecord* column : out) first[column] = threat(column) - out.begin();
  std::stable_sort(out.begin(), out.end(), [&](auto* a, auto* b) { return first[a] < first[b]; });
  return out;
}
}  // namespace

Difference paired_difference(const Pairs& pairs, double level) {
  const std::vector<double> values = pairs.differences();
  if (values.empty()) throw std::invalid_argument("paired_difference: no image");
  if (!(level > 0 && level < 1)) throw std::invalid_argument("level is not between 0 and 1");
  double sum = 0, squares = 0;
  for (const double d : values) sum += d, squares += d * d;
  const double n = double(values.size()), adjusted = n + 2, center = sum / adjusted;
  const double se =
      std::sqrt(((squares + 1) / adjusted - center * center) / adjusted + pairs.variance);
  const double half = normal_quantile(0.5 + level / 2) * se;
  Difference out;
  out.ok = true;
  out.samples = int64_t(values.size());
  out.value = sum / n;
  out.interval = {std::max(-1.0, center - half), std::min(1.0, center + half), level, "image",
                  pairs.variance > 0 ? "Agresti-Min, shared draws" : "Agresti-Min"};
  out.p_below = std::erfc(-center / se / std::sqrt(2.0)) / 2;
  return out;
}

std::vector<Difference> differences_of(const std::string& settings,
                                       const std::vector<CellRecord>& cells,
                                       const OutcomesOf& outcomes) {
  const auto suite = nlohmann::json::parse(settings, nullptr, /*allow_exceptions=*/false);
  if (!suite.is_object() || !suite.contains("defenses")) return {};
  const std::vector<const CellRecord*> columns = columns_of(cells);
  std::vector<Difference> out;
  for (const auto& row : suite["defenses"]) {
    if (!row.contains("baseline")) continue;
    const std::string defense = row["name"], baseline = row["baseline"];
    const auto of = [&](const CellRecord& column, Accuracy accuracy) {
      Difference one = difference_of(records_of(defense, column, cells),
                                     records_of(baseline, column, cells), accuracy, outcomes);
      one.defense = defense, one.baseline = baseline, one.attack = column.attack;
      one.threat = column.threat, one.norm = column.norm, one.epsilon = column.epsilon;
      return one;
    };
    size_t clean = 0;  // place of the threat's difference without an attack
    for (size_t i = 0; i < columns.size(); ++i) {
      // Of the column that saw the most images; a skipped one saw none.
      Difference here = of(*columns[i], Accuracy::kClean);
      here.attack.clear();
      if (i == 0 || !same_threat(*columns[i - 1], *columns[i])) {
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

}  // namespace gauntlet
