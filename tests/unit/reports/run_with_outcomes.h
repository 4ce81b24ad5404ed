// Runs that never were, with outcomes: what is tested image by image is planted.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "results/run_records.h"
#include "synthetic_run.h"

namespace gauntlet {

/// Names that no format may take for its own.
inline std::vector<std::string> awkward_names() {
  std::string ascii;
  for (char c = 1; c < 127; ++c) ascii += c;
  return {"a_b % & # $ { } ~ ^ \\ < > \" ' ` | [x] * -- ,, ``",
          "<script>alert(1)</script>",
          "\\input{/etc/hostname} \\end{document}",
          "ε = 8/255, σ ≤ ½ → ∞ · naïve Łódź 中文 😀",
          "%comment\nline two\r\n\tthree",
          std::string(300, 'w'),
          std::string(300, 'w') + "2",
          ascii,
          "[1]",
          "*"};
}

/// A run and its outcomes.
struct RunWithOutcomes {
  results::Store::Run run = empty_run();
  std::map<std::string, std::vector<results::Outcome>> outcomes;

  /// `right`: of one trial, image by image. The accuracies follow from it.
  results::CellRecord& add(const std::string& defense, const std::string& attack,
                           const std::vector<bool>& right, int64_t seed = 0) {
    results::CellRecord cell = synthetic_cell("row", "column", 0, seed);  // of which JSON is made
    cell.defense = defense, cell.attack = attack;
    cell.identity += "-" + std::to_string(run.cells.size());
    std::vector<results::Outcome>& list = outcomes[cell.identity];
    int64_t hits = 0;
    for (size_t i = 0; i < right.size(); ++i) {
      hits += right[i];
      list.push_back({int64_t(i), int64_t(i % 10), 1, right[i]});
    }
    cell.samples = int64_t(right.size());
    cell.clean_accuracy = 1;
    cell.robust_accuracy = cell.majority_accuracy = cell.worst_trial_accuracy =
        double(hits) / double(right.size());
    cell.interval = results::wilson(hits, cell.samples);
    run.cells.push_back(cell);
    return run.cells.back();
  }

  /// The minimum over what was added so far of a defense, image by image.
  void add_worst_case(const std::string& defense, int64_t seed = 0) {
    std::vector<int64_t> least;
    results::WorstCase worst = synthetic_worst_case(defense, 0, true, seed);
    worst.attacks.clear(), worst.decided_by.clear();
    for (const results::CellRecord& cell : run.cells) {
      if (cell.defense != defense || cell.seed != seed) continue;
      if (cell.status != results::Status::kOk) {
        worst.missing.push_back(cell.attack + " (" + to_string(cell.status) + ")");
        worst.complete = false;
        continue;
      }
      worst.attacks.push_back(cell.attack);
      const auto& list = outcomes.at(cell.identity);
      least.resize(list.size(), 1);
      for (size_t i = 0; i < list.size(); ++i) least[i] = std::min(least[i], list[i].robust_right);
    }
    int64_t hits = 0;
    for (const int64_t one : least) hits += one;
    worst.samples = int64_t(least.size());
    worst.clean_accuracy = 1;
    if (!least.empty()) {
      worst.robust_accuracy = double(hits) / double(least.size());
      worst.interval = results::wilson(hits, worst.samples);
      worst.decided_by = {{worst.attacks.front(), worst.samples}};
    }
    run.worst_cases.push_back(worst);
  }

  results::RunRecords records() const {
    return {run, [this](const results::CellRecord& cell) {
              const auto found = outcomes.find(cell.identity);
              return found == outcomes.end() ? std::vector<results::Outcome>() : found->second;
            }};
  }
};

/// The first `hits` of `images` are right.
inline std::vector<bool> right_first(size_t hits, size_t images = 1000) {
  std::vector<bool> right(images);
  for (size_t i = 0; i < hits; ++i) right[i] = true;
  return right;
}

/// 40 defenses under 30 attacks: failures of every kind, awkward names among ordinary ones.
inline RunWithOutcomes large_run() {
  RunWithOutcomes out;
  const std::vector<std::string> awkward = awkward_names();
  const auto name = [&](const std::string& kind, size_t i) {
    return i < awkward.size() ? awkward[i] : kind + "-" + std::to_string(i);
  };
  for (size_t d = 0; d < 40; ++d) {
    for (size_t a = 0; a < 30; ++a) {
      results::CellRecord& cell = out.add(name("defense", d), name("attack[steps=1]", a),
                                          right_first((d * 23 + a * 7) % 101, 100));
      const size_t kind = (d * 30 + a) % 37;
      if (kind == 5) cell.status = results::Status::kError, cell.reason = awkward[4];
      if (kind == 11) cell.status = results::Status::kInvalid, cell.reason = awkward[0];
      if (kind == 17) cell.status = results::Status::kSkipped, cell.reason = "interrupted";
      if (kind == 23) cell.flags = {results::remark(awkward[1])};
    }
    out.add_worst_case(name("defense", d));
  }
  return out;
}

}  // namespace gauntlet
