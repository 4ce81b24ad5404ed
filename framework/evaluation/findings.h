// Findings of a cell: notes shown beside its number.
#pragma once
#include <string>
#include <vector>

#include "evaluation/judge.h"
#include "evaluation/rules.h"

namespace gauntlet::evaluation {

/// Counts samples with uninformative queries or answers that are not finite, batch by batch.
class Findings {
 public:
  void add(const CraftBatch& batch, const CraftRules& rules, const AttackFacts& facts,
           const Crafted& crafted, const Verdict& clean, const Verdict& robust);
  /// One sentence: why the cell is invalid; empty: it is valid.
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
  int64_t again_ = 0, fell_ = 0;  // attacked again on the margin loss; of these, misclassified
  int64_t source_saturated_ = 0;
  int64_t faulty_clean_ = 0, faulty_attacked_ = 0;
  bool asked_ = false, retries_ = false;
};

}  // namespace gauntlet::evaluation
