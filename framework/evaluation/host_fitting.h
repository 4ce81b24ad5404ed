// What the host lends to a defense that is fitted.
#pragma once
#include <vector>

#include "evaluation/defended_model.h"
#include "evaluation/rules.h"
#include "evaluation/training_images.h"

namespace gauntlet::evaluation {

/// Lends the model as it is without this defense, training images, and attacks on it. Those of its
/// attacks that ask for images get some of the same.
class HostFitting final : public Fitting, private Environment {
 public:
  HostFitting(DefendedModel& model, TrainingImages& images, at::Device device,
              Environment& environment);
  View& model() override { return model_; }
  /// A copy: the defense may write into it.
  Batch data() override;
  Batch data(int64_t n) override;
  Tensor attack(const Use& use, const Batch& batch, const ThreatModel& threat) override;
  /// What attack() was asked for so far.
  const std::vector<Use>& attacks() const { return attacks_; }

 private:
  DefendedModel& model(const ModelRef& ref) override { return environment_.model(ref); }
  // Whatever attacks run inside of others are asked for here, too.
  std::unique_ptr<Attack> attack(const Use& use) override {
    attacks_.push_back(use);
    return environment_.attack(use);
  }
  Batch samples(int64_t n) override { return images_.some(n, device_); }

  DefendedModel& model_;
  TrainingImages& images_;
  const at::Device device_;
  Environment& environment_;
  Batch usual_;
  std::vector<Use> attacks_;
};

}  // namespace gauntlet::evaluation
