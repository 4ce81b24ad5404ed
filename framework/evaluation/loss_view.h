// The defended model as the loss that a defense suggests may ask it.
#pragma once
#include <string>
#include <vector>

#include "evaluation/defended_model.h"

namespace gauntlet::evaluation {

/// Row i of every call sees the same noise, which is of a stream of its own: what a loss is told
/// depends neither on the rows that are attacked with it nor on how often it was called.
class LossView final : public View {
 public:
  /// `model` outlives it. `mode`: that of the attack's own passes.
  LossView(DefendedModel& model, uint64_t seed, models::Mode mode)
      : model_(model), seed_(seed), mode_(mode) {}

  /// One draw of the whole defense, its detector included; differentiable.
  Outputs pass(const Tensor& x, const std::vector<std::string>& features = {}) override;
  Tensor ballots(const Tensor& x, int64_t draws) override;
  /// Rows that were passed forward for it.
  int64_t forwards() const { return forwards_; }

 private:
  Noise noise_of(const Tensor& x) const;

  DefendedModel& model_;
  const uint64_t seed_;
  const models::Mode mode_;
  int64_t forwards_ = 0;
};

}  // namespace gauntlet::evaluation
