// Which rows of a suite have draws in common, and what a cell of one takes from the others.
#pragma once
#include "evaluation/laboratory.h"

namespace gauntlet::evaluation {

/// Rows whose draws are the same but for what their votes make of them share what is computed, from
/// now on. The rows are prepared; what failed shares nothing. Returns what each group of them
/// shares.
std::vector<std::shared_ptr<SharedPasses>> share_passes(const std::vector<suite::DefenseSpec>& rows,
                                                        Laboratory& laboratory);

/// What the runs of one cell share with those of other rows.
class SharedRuns {
 public:
  SharedRuns(const suite::DefenseSpec& defense, const suite::AttackSpec& attack,
             const suite::ThreatSpec& threat, int64_t seed, const DefendedModel& model,
             Laboratory& laboratory);
  /// Makes the rules use it; nothing, where the row shares nothing.
  void lend(const CraftBatch& batch, CraftRules& rules) const;

 private:
  SharedPasses* passes_;
  std::string attack_;
};

}  // namespace gauntlet::evaluation
