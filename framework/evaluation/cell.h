// Measuring one cell: clean, craft, score. A pure function of its job: no globals, all randomness
// from the job's seed.
#pragma once
#include <functional>

#include "evaluation/interrupted.h"
#include "evaluation/judge.h"
#include "evaluation/laboratory.h"

namespace gauntlet::evaluation {

struct CellJob {
  const suite::Scoring& scoring;
  const suite::DefenseSpec& defense;
  const suite::AttackSpec& attack;
  const suite::ThreatSpec& threat;
  int64_t seed = 0;
  const data::Dataset& data;
  std::vector<int64_t> indices;  ///< samples of this shard
  int64_t batch_size = 250;
  bool compact = true;
  const std::atomic<bool>* stop = nullptr;
  std::function<void(int64_t done, int64_t of)> progress = {};  ///< samples
};

struct CellResult {
  results::CellRecord record;  ///< without identity, names of environment and artifacts
  Tensor x_adv;                ///< [N, C, H, W] float32 on the CPU; undefined unless ok
};

/// Never throws for a cell's own failure: that is its status. Throws Interrupted.
CellResult evaluate(const CellJob& job, Laboratory& laboratory);

/// What the host decides for the job's attack.
CraftRules rules_of(const CellJob& job, const AttackFacts& facts);
/// Whether samples that are answered wrong without an attack are not attacked.
bool settles(const suite::Scoring& scoring, Goal goal, bool stochastic);
/// Why this combination is not measured; empty: it is.
std::string reason_to_skip(const CellJob& job, Attack& attack, DefendedModel& model,
                           const ThreatModel& threat, const Laboratory& laboratory);

/// What the bare network answers on the first images of a split.
struct CleanCount {
  int64_t right = 0, ties = 0;  ///< ties: the two largest logits are as good as equal
  bool random = false;          ///< it answers otherwise when it is asked again
};
CleanCount count_right(DefendedModel& model, const data::Dataset& data, int64_t samples);

/// Whether the bare network gives the accuracy its entry declares for the samples at hand: a
/// sentence that names normalisation if not, "" if it does or nothing comparable is declared.
std::string accuracy_problem(const suite::DefenseSpec& defense, DefendedModel& model,
                             const data::Dataset& data, const std::vector<int64_t>& indices);

}  // namespace gauntlet::evaluation
