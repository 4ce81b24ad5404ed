// What an attack asks, recorded: for tests.
#pragma once
#include <optional>
#include <utility>
#include <vector>

#include "evaluation/craft.h"
#include "tests/toys/toy_model.h"

namespace gauntlet::toys {

/// Everything an attack asked and proposed.
struct Asked {
  std::vector<Tensor> gradients;                      ///< inputs of queries for gradients
  std::vector<Loss> climbed;                          ///< their losses
  std::vector<Query> queries;                         ///< how they ask
  std::vector<Tensor> slopes;                         ///< what they gave, before `fake`
  std::vector<std::pair<Tensor, Query>> losses;       ///< queries for losses alone
  std::vector<Tensor> proposed;                       ///< in order
  std::function<Tensor(const Tensor&, size_t)> fake;  ///< set: the gradient at x in this query
};

/// Passes everything on.
class RecordingTarget final : public Target {
 public:
  RecordingTarget(Target& target, Asked& asked) : target_(target), asked_(asked) {}
  TargetFacts facts() const override { return target_.facts(); }
  int64_t mc_samples() const override { return target_.mc_samples(); }
  Tensor decisions(const Tensor& x, const Query& q) override { return target_.decisions(x, q); }
  Outputs scores(const Tensor& x, const Query& q) override { return target_.scores(x, q); }
  Tensor losses(const Tensor& x, const Loss& loss, const Query& q) override {
    asked_.losses.emplace_back(x.clone(), q);
    return target_.losses(x, loss, q);
  }
  std::vector<Gradient> gradients(const Tensor& x, const std::vector<Loss>& losses,
                                  const Query& q) override {
    asked_.gradients.push_back(x.clone());
    asked_.climbed.push_back(losses.front());
    asked_.queries.push_back(q);
    std::vector<Gradient> out = target_.gradients(x, losses, q);
    asked_.slopes.push_back(out.front().x.clone());
    if (asked_.fake) out.front().x = asked_.fake(x, asked_.gradients.size() - 1);
    return out;
  }
  void propose(const Tensor& x) override {
    asked_.proposed.push_back(x.clone());
    target_.propose(x);
  }
  Tensor active() const override { return target_.active(); }
  Tensor budget_left() const override { return target_.budget_left(); }

 private:
  Target& target_;
  Asked& asked_;
};

/// An attack that is listened to.
struct Recorded final : Attack {
  Recorded(std::unique_ptr<Attack> attack, Asked& asked) : inner(std::move(attack)), asked(asked) {}
  AttackFacts facts() const override { return inner->facts(); }
  Tensor run(Target& target, const Task& task) override {
    RecordingTarget recording(target, asked);
    return inner->run(recording, task);
  }
  std::unique_ptr<Attack> inner;
  Asked& asked;
};

/// The attack's own answer: nothing is tracked.
inline evaluation::Crafted listened(const std::string& name, const ParamMap& params, const Toy& t,
                                    const evaluation::CraftBatch& batch, const ThreatModel& threat,
                                    Asked& asked, evaluation::CraftRules rules = {}) {
  ToyEnvironment environment;
  rules.track = false;
  Recorded recorded(attack(name, params), asked);
  return craft(recorded, *t.model, batch, threat, rules, environment);
}

/// Images that the box does not hold back in small balls, labelled by the model: [0.3, 0.7].
inline evaluation::CraftBatch middling(const Toy& t, int64_t n) {
  evaluation::CraftBatch batch = batch_of(*t.model, n);
  batch.x = 0.3 + 0.4 * batch.x;
  batch.y = t.model->bare_logits(batch.x).argmax(1);
  return batch;
}

/// Gaussian noise on the input, drawn per row.
struct InputNoise final : Defense, TransformsInput {
  explicit InputNoise(double sigma) : sigma(sigma) {}
  Tensor forward(const Tensor& x, Noise& noise) override {
    return x + sigma * noise.normal(x.sizes().slice(1));
  }
  double sigma;
};
inline Toy with_input_noise(const std::shared_ptr<ToyNetwork>& network, double sigma) {
  return toy(network, {}, {{"input_noise", std::make_shared<InputNoise>(sigma)}});
}

}  // namespace gauntlet::toys
