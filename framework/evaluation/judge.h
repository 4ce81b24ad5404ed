// The verdict on what an attack returned: bounds, then fresh classifiers it never saw.
#pragma once
#include <string>

#include "base/invalid_result.h"
#include "evaluation/defended_model.h"

namespace gauntlet::evaluation {

struct Verdict {
  Tensor right;       ///< [trials, N] bool: the answer is the true class
  Tensor predicted;   ///< [N] class by majority of the trials, -1 refused or without an answer
  Tensor margin;      ///< [N] of the true class in the first trial, -1 without an answer
  Tensor faulty;      ///< [N] bool: not all that the defense gave in its trials was finite
  Tensor confidence;  ///< [N, K] in the first trial
  Tensor score;       ///< [N] of the detector in the first trial; undefined where none stands
  int64_t forwards = 0;
};

/// Adds the right answers of each trial, of verdicts whose trials share draws: a trial's are the
/// same in every batch. right: [trials, N] bool.
void add_by_trial(std::vector<int64_t>& sums, const Tensor& right);

/// Asks `trials` fresh classifiers (each a vote of M, or one draw; a deterministic model once).
/// `memory`: as of DefendedModel::decide().
Verdict judge(DefendedModel& model, const Tensor& x, const Tensor& y, const Tensor& index,
              uint64_t seed, Stream stream, int64_t trials, DrawMemory* memory = nullptr);

}  // namespace gauntlet::evaluation
