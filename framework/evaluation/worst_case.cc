#include "evaluation/worst_case.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <tuple>

#include "base/sha256.h"
#include "evaluation/judge.h"
#include "results/intervals.h"

namespace gauntlet::evaluation {
namespace {

// The attack that did worst on one sample.
struct Worst {
  size_t cell = 0, row = 0;
  const results::Outcome* outcome = nullptr;
};

// Of equal columns the same one wins wherever it stands: the one that is stronger over all samples,
// else by what was asked (of equal questions the inputs are equal too), else by name.
auto rank_of(const results::CellRecord& cell) {
  return std::tuple(cell.robust_accuracy, cell.identity.substr(0, cell.identity.find('-')),
                    std::string_view(cell.attack));
}

// Fewer right answers are worse. Of equals the lower margin decides; not on a stochastic model,
// where a margin is of one draw.
bool worse(const std::vector<results::CellRecord>& cells, const Worst& a, const Worst& b) {
  const auto key = [&](const Worst& w) {
    const bool no_margin = cells[w.cell].stochastic || std::isnan(w.outcome->margin);
    return std::tuple(w.outcome->robust_right, no_margin ? -INFINITY : w.outcome->margin,
                      rank_of(cells[w.cell]));
  };
  return key(a) < key(b);
}

std::map<int64_t, Worst> pick(const std::vector<results::CellRecord>& cells) {
  std::map<int64_t, Worst> worst;
  for (size_t c = 0; c < cells.size(); ++c)
    for (size_t row = 0; row < cells[c].outcomes.size(); ++row) {
      const Worst candidate{c, row, &cells[c].outcomes[row]};
      const auto [known, fresh] = worst.try_emplace(candidate.outcome->index, candidate);
      if (!fresh && worse(cells, candidate, known->second)) known->second = candidate;
    }
  return worst;
}

// Shares of right answers by data set index, and the right answers of each trial where images share
// its draws.
struct Rescored {
  std::map<int64_t, double> rates;
  std::vector<int64_t> by_trial;
};

// Choosing by few noisy trials can do worse for the attacker than staying with the one strongest
// attack: then that attack is the worst case.
void prefer_single_attack(const std::vector<results::CellRecord>& cells,
                          std::map<int64_t, Worst>& worst, Rescored& rescored) {
  double chosen = 0;
  for (const auto& [_, rate] : rescored.rates) chosen += rate / double(rescored.rates.size());
  const results::CellRecord* best = nullptr;
  for (const results::CellRecord& cell : cells) {
    if (cell.outcomes.size() != worst.size() || cell.robust_accuracy >= chosen) continue;
    if (!best || rank_of(cell) < rank_of(*best)) best = &cell;
  }
  if (!best) return;
  rescored.by_trial = best->robust_by_trial;
  for (size_t row = 0; row < best->outcomes.size(); ++row) {
    const results::Outcome& outcome = best->outcomes[row];
    worst[outcome.index] = {size_t(best - cells.data()), row, &outcome};
    rescored.rates[outcome.index] = double(outcome.robust_right) / double(best->trials);
  }
}

// On draws that no attack and no score has seen.
Rescored rescore(const std::map<int64_t, Worst>& worst,
                 const std::vector<results::CellRecord>& cells, const suite::DefenseSpec& defense,
                 const data::Dataset& data, Laboratory& lab, int64_t trials,
                 const std::function<Tensor(const results::CellRecord&)>& x_adv) {
  std::map<size_t, std::vector<const Worst*>> by_cell;
  for (const auto& [_, w] : worst) by_cell[w.cell].push_back(&w);
  DefendedModel& model = lab.defended(defense, data);
  Rescored out;
  for (const auto& [c, list] : by_cell) {
    std::vector<int64_t> rows, index;
    for (const Worst* w : list) rows.push_back(int64_t(w->row)), index.push_back(w->outcome->index);
    const Tensor i = torch::tensor(index), x = x_adv(cells[c]).index_select(0, torch::tensor(rows));
    const Verdict verdict =
        judge(model, x.to(lab.device()), data.y(i).to(lab.device()), i.to(lab.device()),
              uint64_t(cells[c].seed), Stream::kWorstCase, trials);
    const Tensor rate = verdict.right.to(torch::kDouble).mean(0).cpu();
    for (size_t k = 0; k < index.size(); ++k)
      out.rates[index[k]] = rate.const_data_ptr<double>()[k];
    if (model.shared_noise()) add_by_trial(out.by_trial, verdict.right);
  }
  return out;
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

results::WorstCase worst_case(const std::vector<results::CellRecord>& cells,
                              const suite::DefenseSpec& defense, const data::Dataset& data,
                              Laboratory& lab,
                              const std::function<Tensor(const results::CellRecord&)>& x_adv) {
  results::WorstCase out;
  std::vector<results::CellRecord> usable;
  out.complete = true;
  for (const results::CellRecord& cell : cells) {
    out.suite = cell.suite, out.defense = cell.defense, out.threat = cell.threat;
    out.seed = cell.seed;
    if (cell.status == results::Status::kOk) {
      usable.push_back(cell);
      out.attacks.push_back(cell.attack);
      continue;
    }
    out.missing.push_back(cell.attack + " (" + to_string(cell.status) + ")");
    out.complete &= cell.status == results::Status::kSkipped;
  }
  out.identity = worst_case_identity(cells), out.fingerprint = worst_case_fingerprint(cells);
  auto worst = pick(usable);
  out.samples = int64_t(worst.size());
  if (worst.empty()) {
    out.complete = false;
    return out;
  }
  const bool stochastic = usable.front().stochastic;
  out.trials = usable.front().trials;
  Rescored rescored;
  if (stochastic) {
    rescored = rescore(worst, usable, defense, data, lab, out.trials, x_adv);
    prefer_single_attack(usable, worst, rescored);
  }
  double clean = 0, robust = 0;
  std::vector<double> list;
  for (const auto& [index, w] : worst) {
    clean += double(w.outcome->clean_right) / double(out.trials);
    list.push_back(stochastic ? rescored.rates.at(index) : double(w.outcome->robust_right));
    out.right_by_image.push_back(std::llround(list.back() * double(out.trials)));
    robust += list.back();
    ++out.decided_by[usable[w.cell].attack];
  }
  out.flags = flags_of(usable, out.decided_by);
  out.right_by_trial = std::move(rescored.by_trial);
  out.clean_accuracy = clean / double(out.samples),
  out.robust_accuracy = robust / double(out.samples);
  out.interval = out.trials == 1
                     ? results::wilson(int64_t(std::llround(robust)), out.samples)
                     : results::of_rates(
                           list, results::shared_variance(out.right_by_trial, out.right_by_image));
  return out;
}

}  // namespace gauntlet::evaluation
