#include "training/optimizer.h"

#include <fnmatch.h>

#include <algorithm>
#include <cmath>

namespace gauntlet::training {
namespace {
bool matches(const std::string& pattern, const std::string& name) {
  return fnmatch(pattern.c_str(), name.c_str(), 0) == 0;
}
}  // namespace

void Optimizer::add(const std::string& name, const Tensor& parameter, bool weight_decay) {
  Slot slot{name, parameter, weight_decay ? spec_.weight_decay : 0, spec_.learning_rate_factor, {},
            {},   0};
  const auto group =
      std::find_if(spec_.groups.begin(), spec_.groups.end(), [&](const OptimizerGroup& candidate) {
        return std::any_of(candidate.match.begin(), candidate.match.end(),
                           [&](const std::string& pattern) { return matches(pattern, name); });
      });
  if (group != spec_.groups.end()) {
    slot.weight_decay = group->weight_decay.value_or(slot.weight_decay);
    slot.learning_rate_factor *= group->learning_rate_factor;
  }
  slots_.push_back(std::move(slot));
}

std::vector<std::string> Optimizer::idle_patterns() const {
  std::vector<std::string> idle;
  for (const OptimizerGroup& group : spec_.groups)
    for (const std::string& pattern : group.match)
      if (std::none_of(slots_.begin(), slots_.end(),
                       [&](const Slot& slot) { return matches(pattern, slot.name); }))
        idle.push_back(pattern);
  return idle;
}

std::vector<Tensor> Optimizer::parameters() const {
  std::vector<Tensor> all;
  for (const Slot& slot : slots_) all.push_back(slot.parameter);
  return all;
}

void Optimizer::step(const std::vector<Tensor>& gradients, double learning_rate) {
  const at::NoGradGuard no_graph;
  for (size_t i = 0; i < slots_.size(); ++i) {
    if (!gradients[i].defined()) continue;
    Slot& slot = slots_[i];
    Tensor gradient = gradients[i];
    const double rate = learning_rate * slot.learning_rate_factor;
    if (slot.weight_decay != 0 && spec_.type == OptimizerSpec::Type::kAdamW)
      slot.parameter.mul_(1 - rate * slot.weight_decay);
    else if (slot.weight_decay != 0)
      gradient = gradient.add(slot.parameter, slot.weight_decay);
    ++slot.steps;
    const Tensor direction = spec_.type == OptimizerSpec::Type::kSgd
                                 ? sgd_direction(slot, gradient)
                                 : adam_direction(slot, gradient);
    slot.parameter.sub_(direction, rate);
  }
}

Tensor Optimizer::sgd_direction(Slot& slot, const Tensor& gradient) const {
  if (spec_.momentum == 0) return gradient;
  if (slot.first.defined())
    slot.first.mul_(spec_.momentum).add_(gradient);
  else
    slot.first = gradient.clone();
  return spec_.nesterov ? gradient.add(slot.first, spec_.momentum) : slot.first;
}

Tensor Optimizer::adam_direction(Slot& slot, const Tensor& gradient) const {
  if (!slot.first.defined()) {
    slot.first = torch::zeros_like(gradient);
    slot.second = torch::zeros_like(gradient);
  }
  slot.first.mul_(spec_.beta1).add_(gradient, 1 - spec_.beta1);
  slot.second.mul_(spec_.beta2).addcmul_(gradient, gradient, 1 - spec_.beta2);
  const double first_bias = 1 - std::pow(spec_.beta1, double(slot.steps)),
               second_bias = 1 - std::pow(spec_.beta2, double(slot.steps));
  const Tensor scale = slot.second.sqrt().div_(std::sqrt(second_bias)).add_(spec_.epsilon);
  return slot.first.div(scale).div_(first_bias);
}

std::map<std::string, Tensor> Optimizer::state() const {
  std::map<std::string, Tensor> all;
  for (const Slot& slot : slots_) {
    if (slot.first.defined()) all[slot.name + "/first"] = slot.first;
    if (slot.second.defined()) all[slot.name + "/second"] = slot.second;
    all[slot.name + "/steps"] = torch::full({1}, slot.steps, torch::kLong);
  }
  return all;
}

void Optimizer::restore(const std::map<std::string, Tensor>& state) {
  const auto get = [&](const std::string& name) {
    const auto it = state.find(name);
    return it == state.end() ? Tensor() : it->second.clone();
  };
  for (Slot& slot : slots_) {
    slot.first = get(slot.name + "/first");
    slot.second = get(slot.name + "/second");
    const Tensor steps = get(slot.name + "/steps");
    slot.steps = steps.defined() ? steps.item<int64_t>() : 0;
  }
}

double clip_gradients(const std::vector<Tensor>& gradients, double limit) {
  const at::NoGradGuard no_graph;
  double squares = 0;
  for (const Tensor& gradient : gradients)
    if (gradient.defined()) squares += gradient.square().sum(torch::kDouble).item<double>();
  const double norm = std::sqrt(squares);
  if (norm > limit && std::isfinite(norm))
    for (const Tensor& gradient : gradients)
      if (gradient.defined()) gradient.mul_(limit / norm);
  return norm;
}

}  // namespace gauntlet::training
