#include "evaluation/worst_case.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

#include "base/sha256.h"
#include "results/leaf.h"
#include "results/outcomes.h"
#include "results/worst_of.h"

namespace gauntlet::evaluation {
namespace {

constexpr int64_t kLeastForHalves = 2;  // trials

// Of equal columns the same one comes first wherever it stands: the one that is stronger over all
// samples, else by what was asked (of equal questions the inputs are equal too), else by name.
auto rank_of(const results::CellRecord& cell) {
  return std::tuple(cell.robust_accuracy, cell.identity.substr(0, cell.identity.find('-')),
                    std::string_view(cell.attack));
}

// Findings of the columns that decided images, those that decided most first.
std::vector<results::Finding> flags_of(const std::vector<results::CellRecord>& cells,
                                       const std::map<std::string, int64_t>& decided_by) {
  std::vector<std::pair<int64_t, const results::CellRecord*>> order;
  for (const results::CellRecord& cell : cells)
    if (const auto place = decided_by.find(cell.attack); place != decided_by.end())
      order.emplace_back(-place->second, &cell);
  std::sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
    return std::pair(a.first, rank_of(*a.second)) < std::pair(b.first, rank_of(*b.second));
  });
  std::vector<results::Finding> out;
  for (const auto& [_, cell] : order)
    for (const results::Finding& flag : cell->flags) out.push_back(found_in(cell->attack, flag));
  return out;
}

// Where answers are drawn, several attacks saw an image and no half of its trials is left to count
// the attack that the other half chose, the worst case is the lowest of noisy rates.
bool is_lowest_of_draws(const std::vector<results::AttackRates>& attacks) {
  const auto drawn = [](const results::AttackRates& attack) { return attack.stochastic; };
  if (std::none_of(attacks.begin(), attacks.end(), drawn) || results::has_halves(attacks))
    return false;
  std::map<int64_t, int64_t> seen;
  for (const results::AttackRates& attack : attacks)
    for (const auto& [index, _] : attack.images)
      if (++seen[index] > 1) return true;
  return false;
}

// What shared draws add, by the column among those that decided of which it is most: trials of the
// mixture are not kept.
results::Shared most_shared(const std::vector<results::CellRecord>& cells,
                            const std::map<std::string, int64_t>& decided_by) {
  results::Shared out;
  for (const results::CellRecord& cell : cells) {
    if (!decided_by.contains(cell.attack)) continue;
    const results::Shared one = shared_of(cell);
    if (out.trials == 0 || one.variance > out.variance) out = one;
  }
  return out;
}

// Whether a column counts how many wrong answers an attack made right.
bool raises_accuracy(const results::CellRecord& cell) {
  return results::goal_of(cell.parameters) == "hypocritical";
}

void sort_columns(const std::vector<results::CellRecord>& cells, results::WorstCase& out,
                  std::vector<results::CellRecord>& usable) {
  out.complete = true;
  for (const results::CellRecord& cell : cells) {
    out.suite = cell.suite, out.defense = cell.defense, out.threat = cell.threat;
    out.seed = cell.seed;
    if (raises_accuracy(cell)) continue;
    if (cell.status == results::Status::kOk) {
      usable.push_back(cell);
      out.attacks.push_back(cell.attack);
      continue;
    }
    out.missing.push_back(cell.attack + " (" + to_string(cell.status) + ")");
    out.complete &= cell.status == results::Status::kSkipped;
  }
}

}  // namespace

std::string worst_case_identity(const std::vector<results::CellRecord>& cells) {
  std::string names = "worst case";
  // A cell that failed may succeed next time: its status is part of the question.
  for (const results::CellRecord& cell : cells)
    names += " " + cell.identity + " " + to_string(cell.status);
  return sha256(names);
}

std::string worst_case_fingerprint(const std::vector<results::CellRecord>& cells) {
  std::string names;
  for (const results::CellRecord& cell : cells) names += " " + cell.fingerprint;
  return sha256(names);
}

results::WorstCase worst_case(const std::vector<results::CellRecord>& cells) {
  results::WorstCase out;
  std::vector<results::CellRecord> usable;
  sort_columns(cells, out, usable);
  out.identity = worst_case_identity(cells), out.fingerprint = worst_case_fingerprint(cells);
  std::vector<results::AttackRates> attacks;
  for (const results::CellRecord& cell : usable) attacks.push_back(attack_rates(cell));
  const auto worst = results::worst_of(attacks);
  out.samples = int64_t(worst.size());
  if (worst.empty()) {
    out.complete = false;
    if (std::all_of(cells.begin(), cells.end(), raises_accuracy))
      out.reason = "the goal of its attacks is hypocritical: what they leave is no robustness";
    return out;
  }
  out.trials = usable.front().trials;
  double clean = 0, robust = 0;
  std::vector<double> rates;
  for (const auto& [index, image] : worst) {
    clean += attacks[image.attack].images.at(index).clean;
    rates.push_back(std::clamp(image.rate, 0.0, 1.0));
    robust += rates.back();
    ++out.decided_by[usable[image.attack].attack];
  }
  const auto n = double(out.samples);
  out.clean_accuracy = clean / n, out.robust_accuracy = robust / n;
  out.flags = flags_of(usable, out.decided_by);
  if (is_lowest_of_draws(attacks))
    out.flags.push_back(
        {"lowest_of_draws", {{"attacks", int64_t(attacks.size())}, {"least", kLeastForHalves}}});
  const results::Shared shared = most_shared(usable, out.decided_by);
  out.interval = out.trials == 1 && shared.trials == 0
                     ? results::wilson(int64_t(std::llround(robust)), out.samples)
                     : results::of_rates(rates, shared);
  return out;
}

}  // namespace gauntlet::evaluation
