#include "evaluation/host_fitting.h"

#include <fmt/format.h>

#include <algorithm>

#include "evaluation/craft.h"
#include "gauntlet/params.h"

namespace gauntlet::evaluation {
namespace {
constexpr int64_t kUsualImages = 1000;  // the last ones of the training split
}  // namespace

HostFitting::HostFitting(DefendedModel& model, TrainingImages& images, at::Device device,
                         Environment& environment)
    : model_(model), images_(images), device_(device), environment_(environment) {}

Batch HostFitting::data() {
  if (!usual_.x.defined()) usual_ = images_.last(std::min(kUsualImages, images_.size()), device_);
  return {usual_.x.clone(), usual_.y.clone(), usual_.sample.clone()};
}

Batch HostFitting::data(int64_t n) {
  const int64_t there = images_.size();
  if (n < 1 || n > there)
    throw ParamError(
        fmt::format("fit() asks for {} training images; data set '{}' has {}, expected 1 to {}", n,
                    images_.entry().id, there, there));
  return images_.last(n, device_);
}

Tensor HostFitting::attack(const Use& use, const Batch& batch, const ThreatModel& threat) {
  attacks_.push_back(use);
  CraftRules rules;
  rules.track = rules.suggested = false;
  rules.defense_stream = Stream::kFit;
  Environment& lent = *this;
  return craft(*environment_.attack(use), model_, {batch.x, batch.y, batch.sample}, threat, rules,
               lent)
      .x;
}

}  // namespace gauntlet::evaluation
