// A training session around a linear network that records what a method asks of it.
#pragma once
#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <functional>

#include "tests/toys/toy_model.h"

namespace gauntlet::toys {

struct RecordingSession final : Training {
  Tensor w;            // [K, d], trained
  Tensor adversarial;  // what the inner attack finds, unless `attacker` says
  std::function<Tensor(const Use&, const Batch&, const Inner&)> attacker = {};
  ThreatModel ball = threat_of(Norm::kLinf, 0.1);
  double at_epoch = 0, learning_rate = 0;
  bool noisy = false;  // each prediction has other logits
  int64_t predictions = 0;

  std::vector<Tensor> forwards = {}, losses = {};
  std::vector<Use> attacks = {};
  std::vector<Batch> attacked = {};
  std::vector<Inner> inner = {};
  std::map<std::string, Tensor> kept = {};
  bool rejected = false;

  RecordingSession(Tensor weights, Tensor found)
      : w(weights.requires_grad_(true)), adversarial(std::move(found)) {}

  Tensor logits(const Tensor& x) const { return x.flatten(1).mm(w.t()); }
  // What prediction number i answers; 0 is the first.
  Tensor predicted(const Tensor& x, int64_t i) const {
    const Tensor plain = logits(x).detach();
    return noisy ? plain * (1 + 0.5 * double(i)) : plain;
  }

  Outputs forward(const Tensor& x, const Pass&) override {
    forwards.push_back(x.detach());
    return {logits(x), {}, {}};
  }
  Outputs predict(const Tensor& x, const Pass&) override {
    return {predicted(x, predictions++), {}, {}};
  }
  Tensor attack(const Use& use, const Batch& batch, const Inner& how) override {
    attacks.push_back(use);
    attacked.push_back(batch);
    inner.push_back(how);
    return attacker ? attacker(use, batch, how) : adversarial;
  }
  std::vector<Tensor> minimise(const Tensor& loss, const std::vector<Tensor>& also,
                               const std::string&) override {
    losses.push_back(loss.detach());
    std::vector<Tensor> inputs = also;
    inputs.push_back(w);
    std::vector<Tensor> gradients = torch::autograd::grad({loss}, inputs);
    const at::NoGradGuard no_graph;
    w.sub_(gradients.back() * learning_rate);
    gradients.pop_back();
    return gradients;
  }
  Parameters& parameters() override { throw std::logic_error("not asked for"); }
  Tensor& state(const std::string& name) override { return kept[name]; }
  const ThreatModel& threat() const override { return ball; }
  Noise noise() override { return noise_of(2); }
  double epoch() const override { return at_epoch; }
  bool stochastic() const override { return noisy; }
  void reject_epoch() override { rejected = true; }
};

// Two samples of two pixels, two classes; logits are the pixels.
inline RecordingSession session() {
  return {torch::eye(2), torch::tensor({0.f, std::log(3.f), 0.f, 0.f}).view({2, 1, 1, 2})};
}
inline Batch batch() {
  return {torch::tensor({std::log(4.f), 0.f, 0.f, std::log(9.f)}).view({2, 1, 1, 2}),
          torch::tensor({0, 1}, torch::kLong), torch::arange(2)};
}

inline Trains& trainer(const std::shared_ptr<Defense>& plugin) {
  return dynamic_cast<Trains&>(*plugin);
}

}  // namespace gauntlet::toys
