#include "reports/best.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>

#include "analysis/statistics.h"
#include "gauntlet/statistics.h"

namespace gauntlet::reports {
namespace {

/// Of one image: what pairs need.
struct Right {
  int32_t index, clean, robust;
};

/// Hoeffding's bound for signs of chance. Where it settles the question for any number of rows that
/// a table has, the exact test, which takes longer, is spared.
constexpr double kSettled = 1e-6;
double bound_of(const std::vector<double>& differences) {
  double sum = 0, squares = 0;
  for (const double d : differences) sum += d, squares += d * d;
  return squares == 0 ? 1 : std::min(1.0, 2 * std::exp(-sum * sum / (2 * squares)));
}

std::optional<double> p_value(const analysis::Pairs& pairs) {
  if (pairs.a.empty()) return {};
  const double bound = pairs.shared.variance > 0 ? 1 : bound_of(pairs.differences());
  return bound < kSettled ? bound : paired_test(pairs).p;
}

std::vector<bool> best_cells(const std::vector<const Group<results::CellRecord>*>& groups,
                             const results::OutcomesOf& outcomes, analysis::Accuracy accuracy) {
  const bool clean = accuracy == analysis::Accuracy::kClean;
  std::vector<std::optional<double>> values;
  for (const auto* group : groups)
    values.push_back(group && group->robust
                         ? std::optional((clean ? group->clean : group->robust)->mean)
                         : std::nullopt);
  return best_of(values, [&](size_t best, size_t other) {
    return p_value(
        pairs_of({groups[best]->records, outcomes}, {groups[other]->records, outcomes}, accuracy));
  });
}

/// Image by image the smallest share of right answers under any attack, a mean over seeds.
std::map<int64_t, double> smallest_rates(const Summary& summary,
                                         const results::OutcomesOf& outcomes,
                                         const Group<results::WorstCase>& group) {
  std::map<int64_t, double> rates;
  for (const results::WorstCase* worst : group.records) {
    std::map<int64_t, double> smallest;
    for (const results::CellRecord& cell : summary.run.cells) {
      if (cell.defense != group.defense || cell.seed != worst->seed || !has_result(cell) ||
          cell.threat != group.threat)
        continue;
      for (const results::Outcome& outcome : outcomes(cell)) {
        const double rate = double(outcome.robust_right) / double(cell.trials);
        const auto [place, is_new] = smallest.try_emplace(outcome.index, rate);
        if (!is_new) place->second = std::min(place->second, rate);
      }
    }
    for (const auto& [index, rate] : smallest) rates[index] += rate / double(group.records.size());
  }
  return rates;
}

/// A row of the worst case's column.
struct WorstRow {
  double value = 0, variance = 0;   ///< of the mean, from its interval
  std::map<int64_t, double> rates;  ///< empty where they are not those that were scored
};

WorstRow worst_row(const Summary& summary, const results::OutcomesOf& outcomes,
                   const Group<results::WorstCase>& group) {
  WorstRow row{group.robust->mean};
  const auto seeds = double(group.records.size());
  for (const results::WorstCase* record : group.records) {
    const results::Interval& interval = record->interval;
    const double z = normal_quantile(0.5 + interval.level / 2);
    row.variance += std::pow((interval.high - interval.low) / (2 * z * seeds), 2);
  }
  row.rates = smallest_rates(summary, outcomes, group);
  double mean = 0;
  for (const auto& [index, rate] : row.rates) mean += rate / double(row.rates.size());
  if (std::abs(mean - row.value) > 1e-9) row.rates.clear();
  return row;
}

std::optional<double> p_value(const WorstRow& a, const WorstRow& b) {
  analysis::Pairs pairs;
  for (const auto& [index, rate] : a.rates)
    if (const auto other = b.rates.find(index); other != b.rates.end()) {
      pairs.a.push_back(rate);
      pairs.b.push_back(other->second);
    }
  if (!pairs.a.empty()) return p_value(pairs);
  const double variance = a.variance + b.variance;
  if (!(variance > 0)) return {};
  return std::erfc(std::abs(a.value - b.value) / std::sqrt(2 * variance));
}

bool is_complete(const Group<results::WorstCase>& group) {
  return std::all_of(group.records.begin(), group.records.end(),
                     [](const results::WorstCase* record) { return record->complete; });
}

}  // namespace

results::OutcomesOf remembering(const results::OutcomesOf& outcomes) {
  const auto known = std::make_shared<std::map<const results::CellRecord*, std::vector<Right>>>();
  return [known, outcomes](const results::CellRecord& record) {
    const auto [place, is_new] = known->try_emplace(&record);
    std::vector<Right>& kept = place->second;
    if (is_new)
      for (const results::Outcome& o : outcomes(record))
        kept.push_back({int32_t(o.index), int32_t(o.clean_right), int32_t(o.robust_right)});
    std::vector<results::Outcome> out(kept.size());
    for (size_t i = 0; i < kept.size(); ++i) {
      out[i].index = kept[i].index;
      out[i].clean_right = kept[i].clean, out[i].robust_right = kept[i].robust;
    }
    return out;
  };
}

std::vector<bool> best_of(const std::vector<std::optional<double>>& values,
                          const std::function<std::optional<double>(size_t, size_t)>& p) {
  std::vector<bool> none(values.size()), marked(values.size());
  const auto largest = std::max_element(values.begin(), values.end());  // nullopt is below all
  if (values.size() - size_t(std::count(values.begin(), values.end(), std::nullopt)) < 2)
    return none;
  const auto best = size_t(largest - values.begin());
  std::vector<size_t> others;
  std::vector<double> p_values;
  for (size_t i = 0; i < values.size(); ++i) {
    if (i == best || !values[i]) continue;
    const std::optional<double> chance = p(best, i);
    if (!chance) return none;
    others.push_back(i);
    p_values.push_back(*chance);
  }
  const std::vector<double> adjusted = analysis::holm(p_values);
  marked[best] = true;
  for (size_t i = 0; i < others.size(); ++i) marked[others[i]] = adjusted[i] >= kSignificant;
  return marked;
}

std::vector<bool> best_clean(const Summary& summary, const results::OutcomesOf& outcomes,
                             const results::Threat& threat) {
  std::vector<const Group<results::CellRecord>*> groups;
  for (const std::string& defense : summary.defenses)
    groups.push_back(summary.clean_cell(defense, threat));
  return best_cells(groups, outcomes, analysis::Accuracy::kClean);
}

std::vector<bool> best_under_attack(const Summary& summary, const results::OutcomesOf& outcomes,
                                    const std::string& attack, const results::Threat& threat) {
  std::vector<const Group<results::CellRecord>*> groups;
  for (const std::string& defense : summary.defenses)
    groups.push_back(summary.cell(defense, attack, threat));
  return best_cells(groups, outcomes, analysis::Accuracy::kRobust);
}

std::vector<bool> best_in_worst_case(const Summary& summary, const results::OutcomesOf& outcomes,
                                     const results::Threat& threat) {
  std::vector<std::optional<double>> values;
  std::map<size_t, WorstRow> rows;
  for (size_t i = 0; i < summary.defenses.size(); ++i) {
    const auto* group = summary.worst_case(summary.defenses[i], threat);
    const bool counts = group && group->robust && is_complete(*group);
    values.push_back(counts ? std::optional(group->robust->mean) : std::nullopt);
    if (counts) rows[i] = worst_row(summary, outcomes, *group);
  }
  return best_of(values,
                 [&](size_t best, size_t other) { return p_value(rows.at(best), rows.at(other)); });
}

}  // namespace gauntlet::reports
