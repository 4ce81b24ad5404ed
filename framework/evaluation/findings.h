// Findings of a cell: notes shown beside its number.
#pragma once
#include <string>
#include <vector>

#include "evaluation/judge.h"
#include "evaluation/rules.h"
#include "results/record.h"

namespace gauntlet::evaluation {

/// Counts samples with uninformative queries or answers that are not finite, batch by batch.
class Findings {
 public:
  void add(const CraftBatch& batch, const CraftRules& rules, const AttackFacts& facts,
           const Crafted& crafted, const Verdict& clean, const Verdict& robust);
  /// One sentence: why the cell is invalid; empty: it is valid.
  std::string invalid(const AttackFacts& facts) const;
  /// For CellRecord::flags.
  std::vector<results::Finding> flags(const DefendedModel& model, double epsilon,
                                      int64_t batch_size) const;

 private:
  void flag_queries(std::vector<results::Finding>& out) const;
  void flag_defense(std::vector<results::Finding>& out, const DefendedModel& model,
                    int64_t batch_size) const;

  // Samples.
  int64_t all_ = 0, attacked_ = 0, unchanged_ = 0, refuted_ = 0;
  int64_t zero_gradients_ = 0, saturated_ = 0, masked_bounds_ = 0, not_finite_ = 0;
  int64_t again_ = 0, fell_ = 0;  // attacked again on the margin loss; of these, misclassified
  int64_t source_saturated_ = 0;
  int64_t faulty_clean_ = 0, faulty_attacked_ = 0;
  bool uneven_ = false;
  bool asked_ = false, retries_ = false;
};

/// Of a cell that was evaluated in shards, with the outcomes of all: a finding tells how many
/// samples there are to attack, also in shards that have none of it. `settles`: those that are
/// answered wrong without an attack were not attacked. With a hypocritical goal those count that
/// are not right without one.
void count_all_samples(results::CellRecord& whole, Goal goal, bool settles);

}  // namespace gauntlet::evaluation
