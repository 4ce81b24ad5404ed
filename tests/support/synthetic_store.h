// Stores that no suite wrote: every kind of cell and name a page must be able to show, with an
// outcome for each image.
#pragma once
#include <cmath>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "results/intervals.h"
#include "results/store.h"

namespace gauntlet {

/// What a synthetic run is made of.
struct SyntheticSuite {
  std::vector<std::string> defenses, attacks;
  std::vector<double> epsilons = {0.1};
  int64_t images = 200, classes = 10;
  /// Of a cell, by its place; ok where it is empty.
  std::vector<results::Status> statuses;
  /// Right answers of an image under an attack are this much likelier in run B than in run A.
  double shift = 0;
};

/// "attack.params.steps" and "defense.params.sigma" of the nth column and row are n + 1, so that
/// all columns are one curve and all rows another.
inline results::CellRecord synthetic_record(const SyntheticSuite& suite, size_t defense,
                                            size_t attack, double epsilon) {
  results::CellRecord r;
  r.identity = "id" + std::to_string(defense) + "-" + std::to_string(attack) + "-" +
               std::to_string(std::lround(1000 * epsilon));
  r.fingerprint = suite.shift == 0 ? "f00d" : "beef";
  r.suite = "synthetic";
  r.defense = suite.defenses[defense], r.attack = suite.attacks[attack];
  r.dataset = "synthetic", r.split = "test";
  r.threat = {"linf" + std::to_string(std::lround(1000 * epsilon)), "linf", epsilon};
  r.trials = defense % 3 == 2 ? 3 : 1;
  r.stochastic = r.trials > 1;
  const size_t place = defense * suite.attacks.size() + attack;
  r.status =
      suite.statuses.empty() ? results::Status::kOk : suite.statuses[place % suite.statuses.size()];
  const bool transfers = attack == 1;
  r.parameters = R"({"attack": {"plugin": ")" + std::string(transfers ? "transfer" : "pgd") +
                 R"(", "params": {"steps": {"value": )" + std::to_string(attack + 1) +
                 R"(, "default": 10})" +
                 (transfers ? R"(, "source": {"value": "synthetic/source"})" : "") +
                 R"(}}, "host": {"restarts": {"value": 1, "default": 1}},
      "defense": {"model": "synthetic/at", "params": {"sigma": {"value": )" +
                 std::to_string(defense + 1) + R"(, "default": 1}}}})";
  r.environment = R"({"gauntlet": "0.1.0", "torch": "2.11.0", "device": "cpu"})";
  r.ledger.forwards = r.ledger.backwards = r.ledger.executed_forwards =
      r.ledger.executed_backwards = int64_t(attack + 1) * suite.images;
  r.ledger.scoring_forwards = suite.images * r.trials * int64_t(1 + defense % 4);
  r.seconds = 0.5 + double(attack);
  r.finished = "2026-01-31T12:00:00Z";
  r.samples = suite.images;
  if (r.status != results::Status::kOk) r.reason = "3 rows left the <ball>, by at most 0.02";
  if (place % 11 == 3) r.flags = {{"unchanged", {{"samples", 12}, {"of", 1000}}}};
  return r;
}

/// Outcomes drawn at rates that fall with the attack and rise with the defense.
inline void draw_outcomes(const SyntheticSuite& suite, size_t defense, size_t attack,
                          results::CellRecord& r) {
  std::mt19937 random(unsigned(1000 * defense + attack));
  const double rate = std::clamp(0.75 - 0.5 * double(attack) / double(suite.attacks.size()) +
                                     0.2 * double(defense) / double(suite.defenses.size()) -
                                     r.threat.epsilon + suite.shift,
                                 0.0, 1.0);
  std::vector<double> rates;
  double clean = 0, robust = 0;
  for (int64_t i = 0; i < suite.images; ++i) {
    results::Outcome o;
    o.index = i, o.label = i % suite.classes;
    for (int64_t t = 0; t < r.trials; ++t) {
      const bool right = double(random() % 1000) / 1000 < 0.875;
      o.clean_right += right;
      o.robust_right += right && double(random() % 1000) / 1000 < rate;
    }
    o.predicted = o.robust_right == r.trials ? o.label : (o.label + 1) % suite.classes;
    o.margin = 0.5, o.distance = r.threat.epsilon;
    rates.push_back(double(o.robust_right) / double(r.trials));
    clean += double(o.clean_right) / double(r.trials), robust += rates.back();
    r.outcomes.push_back(o);
  }
  r.clean_accuracy = clean / double(suite.images);
  r.robust_accuracy = r.majority_accuracy = r.worst_trial_accuracy = robust / double(suite.images);
  r.interval = results::of_rates(rates);
}

/// Writes a run of it into a folder.
inline void write_synthetic_store(const SyntheticSuite& suite,
                                  const std::filesystem::path& folder) {
  results::Store store(folder);
  store.begin_run("synthetic <run>", R"({"name": "synthetic", "seeds": [0]})");
  for (const double epsilon : suite.epsilons)
    for (size_t d = 0; d < suite.defenses.size(); ++d) {
      results::WorstCase worst;
      worst.robust_accuracy = 1;
      for (size_t a = 0; a < suite.attacks.size(); ++a) {
        results::CellRecord r = synthetic_record(suite, d, a, epsilon);
        if (r.status == results::Status::kOk) draw_outcomes(suite, d, a, r);
        store.put(r);
        store.add_to_run(r.identity, r.fingerprint);
        worst.threat = r.threat;
        worst.defense = r.defense, worst.suite = r.suite;
        if (r.status != results::Status::kOk) {
          worst.missing.push_back(r.attack + " (" + to_string(r.status) + ")");
          continue;
        }
        worst.attacks.push_back(r.attack);
        worst.samples = r.samples, worst.trials = r.trials;
        worst.clean_accuracy = r.clean_accuracy;
        if (r.robust_accuracy < worst.robust_accuracy)
          worst.robust_accuracy = r.robust_accuracy, worst.interval = r.interval;
        worst.decided_by = {{r.attack, r.samples}};
      }
      worst.identity = "worst" + std::to_string(d) + "-" + worst.threat.name;
      worst.fingerprint = "f00d";
      worst.complete = worst.missing.empty();
      store.put(worst);
      store.add_worst_case_to_run(worst.identity, worst.fingerprint);
    }
  store.end_run(true);
}

inline std::vector<std::string> numbered(const std::string& name, size_t count) {
  std::vector<std::string> names;
  for (size_t i = 0; i < count; ++i) names.push_back(name + " " + std::to_string(i + 1));
  return names;
}

}  // namespace gauntlet
