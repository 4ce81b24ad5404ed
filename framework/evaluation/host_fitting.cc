#include "evaluation/host_fitting.h"

#include "evaluation/craft.h"

namespace gauntlet::evaluation {

HostFitting::HostFitting(DefendedModel& model, Batch batch, Environment& environment)
    : model_(model), batch_(std::move(batch)), environment_(environment) {}

Batch HostFitting::data() { return {batch_.x.clone(), batch_.y.clone(), batch_.sample.clone()}; }

Tensor HostFitting::attack(const Use& use, const Batch& batch, const ThreatModel& threat) {
  CraftRules rules;
  rules.track = rules.suggested = false;
  rules.defense_stream = Stream::kFit;
  return craft(*environment_.attack(use), model_, {batch.x, batch.y, batch.sample}, threat, rules,
               environment_)
      .x;
}

}  // namespace gauntlet::evaluation
