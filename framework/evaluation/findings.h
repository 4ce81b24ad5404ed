// What is to be said beside a cell's number.
#pragma once
#include <string>
#include <vector>

#include "evaluation/craft.h"
#include "evaluation/judge.h"

namespace gauntlet {

/// Counts samples batch by batch by what their queries told the attack and what the defense gave.
class Findings {
 public:
  void add(const CraftBatch& batch, const CraftRules& rules, const AttackFacts& facts,
           const Crafted& crafted, const Verdict& clean, const Verdict& robust);
  /// Why the number does not count, a sentence; empty: it does.
  std::string invalid(const AttackFacts& facts) const;
  /// A sentence each, for CellRecord::flags.
  std::vector<std::string> flags(const DefendedModel& model, double epsilon,
                                 int64_t batch_size) const;

 private:
  void flag_queries(std::vector<std::string>& out) const;
  void flag_defense(std::vector<std::string>& out, const DefendedModel& model,
                    int64_t batch_size) const;

  // Samples.
  int64_t all_ = 0, attacked_ = 0, unchanged_ = 0, refuted_ = 0;
  int64_t zero_gradients_ = 0, saturated_ = 0, masked_bounds_ = 0, not_finite_ = 0;
  int64_t again_ = 0, fell_ = 0;  // attacked again; then broken
  int64_t source_saturated_ = 0;
  int64_t faulty_clean_ = 0, faulty_attacked_ = 0;
  bool asked_ = false, retries_ = false;
};

}  // namespace gauntlet
