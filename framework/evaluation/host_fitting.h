// What the host lends to a defense that is fitted.
#pragma once
#include "evaluation/defended_model.h"
#include "evaluation/rules.h"

namespace gauntlet::evaluation {

/// Lends the model as it is without this defense, validation data, and attacks on it.
class HostFitting final : public Fitting {
 public:
  HostFitting(DefendedModel& model, Batch batch, Environment& environment);
  View& model() override { return model_; }
  /// A copy: the defense may write into it.
  Batch data() override;
  Tensor attack(const Use& use, const Batch& batch, const ThreatModel& threat) override;

 private:
  DefendedModel& model_;
  Batch batch_;
  Environment& environment_;
};

}  // namespace gauntlet::evaluation
