// Board entries with planted outcomes.
#pragma once
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "boards/entry.h"
#include "results/intervals.h"

namespace gauntlet {

inline std::string planted_sum(char digit) { return std::string(64, digit); }

/// One attack's cell of which the images' shares of right answers are given; all are right without
/// an attack.
inline boards::BoardAttack::Cell planted_cell(const std::vector<double>& rates, int64_t trials = 1,
                                              int64_t seed = 0) {
  boards::BoardAttack::Cell cell;
  results::CellRecord& record = cell.record;
  record.identity = "identity-" + std::to_string(seed), record.fingerprint = "f00d";
  record.seed = seed, record.status = results::Status::kOk;
  record.samples = int64_t(rates.size()), record.trials = trials, record.stochastic = trials > 1;
  double sum = 0;
  for (size_t i = 0; i < rates.size(); ++i) {
    results::Outcome outcome;
    outcome.index = int64_t(i), outcome.label = int64_t(i % 10);
    outcome.clean_right = trials;
    outcome.robust_right = std::llround(rates[i] * double(trials));
    outcome.predicted =
        2 * outcome.robust_right > trials ? outcome.label : (outcome.label + 1) % 10;
    outcome.margin = rates[i] - 0.5 + double(i % 7) / 3;
    outcome.distance = 8.0 / 255;
    outcome.queries = 20;
    sum += double(outcome.robust_right) / double(trials);
    record.outcomes.push_back(outcome);
  }
  record.clean_accuracy = 1;
  record.robust_accuracy = record.majority_accuracy = record.worst_trial_accuracy =
      sum / double(rates.size());
  record.interval = results::of_rates(rates);
  record.ledger.forwards = record.ledger.backwards = 20 * record.samples;
  record.ledger.executed_forwards = 15 * record.samples;
  record.seconds = 2.5, record.finished = "2026-01-31T12:00:00Z";
  cell.x_adv_sha256 = planted_sum('a');
  return cell;
}

inline boards::BoardAttack planted_attack(const std::string& name,
                                          std::vector<boards::BoardAttack::Cell> cells) {
  boards::BoardAttack attack;
  attack.name = attack.plugin = name;
  attack.parameters = R"({"attack":{"plugin":"pgd","params":{"steps":{"value":20,"default":10}}}})";
  attack.cells = std::move(cells);
  return attack;
}

/// An entry of fashion-linf@1 under one threat, with one seed; its claims are not filled in.
inline boards::BoardEntry planted_entry(const std::string& defense,
                                        std::vector<boards::BoardAttack> attacks) {
  boards::BoardEntry entry;
  entry.board = {"fashion-linf", 1};
  entry.board_sha256 = planted_sum('b');
  entry.defense = defense, entry.id = boards::entry_id(defense);
  entry.parameters = R"({"model":"fashion-mnist/at","stack":[]})";
  entry.model = "fashion-mnist/at", entry.weights_sha256 = planted_sum('c');
  entry.dataset = "fashion-mnist-1k", entry.split = "test", entry.dataset_sha256 = planted_sum('d');
  entry.seeds = {0};
  entry.environment = R"({"device":"cpu","torch":"2.11.0"})";
  entry.finished = "2026-01-31T12:00:00Z";
  entry.bundle_sha256 = planted_sum('e');
  boards::BoardThreat threat;
  threat.threat = {"linf8", "linf", 8.0 / 255};
  threat.attacks = std::move(attacks);
  size_t most = 1;
  for (const boards::BoardAttack& attack : threat.attacks)
    for (const boards::BoardAttack::Cell& cell : attack.cells)
      most = std::max(most, cell.record.outcomes.size());
  for (size_t i = 0; i < most; ++i) entry.samples.push_back(int64_t(i));
  entry.threats.push_back(std::move(threat));
  return entry;
}

/// 1 for the first `right` of `images`, then 0.
inline std::vector<double> planted_rates(size_t right, size_t images) {
  std::vector<double> rates(images);
  std::fill(rates.begin(), rates.begin() + ptrdiff_t(right), 1.0);
  return rates;
}

/// An entry of 100 images of which gradients leave 80 and queries alone leave so many.
inline boards::BoardEntry queried_entry(const std::string& defense, size_t left_by_queries) {
  const auto attack = [](const std::string& name, size_t right, int64_t backwards) {
    boards::BoardAttack::Cell cell = planted_cell(planted_rates(right, 100));
    cell.record.ledger.queries = 2000, cell.record.ledger.backwards = backwards;
    return planted_attack(name, {std::move(cell)});
  };
  return planted_entry(defense, {attack("pgd", 80, 2000), attack("square", left_by_queries, 0)});
}
}  // namespace gauntlet
