// Small networks, defenses and attacks with known answers.
#pragma once
#include <torch/csrc/autograd/autograd.h>

#include "evaluation/craft.h"
#include "evaluation/judge.h"

namespace gauntlet::toys {

/// A network given by a function of the input (and of the noise and mode).
class FunctionNetwork final : public models::Network {
 public:
  using Function = std::function<Tensor(const Tensor& x, Noise& noise, models::Mode mode)>;
  FunctionNetwork(Function f, std::vector<int64_t> input, int64_t classes) : f_(std::move(f)) {
    spec_.architecture = "function";
    spec_.input = std::move(input);
    spec_.classes = classes;
    Layer layer;
    layer.output = {classes};
    layers_.push_back(layer);
  }
  const models::NetworkSpec& spec() const override { return spec_; }
  Outputs forward(const Tensor& x, const Noise& noise, const std::vector<PerturbsLayers*>&,
                  models::Mode mode, const std::vector<std::string>& = {}) override {
    ++calls, rows += x.size(0);
    Noise mine = noise;
    mine.key.layer = 16, mine.key.call = 0;
    return {f_(x, mine, mode), {}, {}};
  }
  const std::vector<Layer>& layers() const override { return layers_; }
  void declare(PerturbsLayers&, const std::string&) override {}
  std::vector<models::NamedTensor> tensors() const override { return {}; }
  void weights_changed() override {}
  void set_trainable(bool) override {}
  void to(at::Device) override {}

  /// As an entry would say it; the function itself normalises.
  void says(std::vector<double> mean, std::vector<double> std) {
    spec_.mean = std::move(mean), spec_.std = std::move(std);
  }

  int64_t calls = 0, rows = 0;

 private:
  Function f_;
  models::NetworkSpec spec_;
  std::vector<Layer> layers_;
};

/// z = W x + b over flattened inputs.
inline std::shared_ptr<FunctionNetwork> linear(const Tensor& w, const Tensor& b,
                                               std::vector<int64_t> input) {
  return std::make_shared<FunctionNetwork>(
      [w, b](const Tensor& x, Noise&, models::Mode) { return torch::linear(x.flatten(1), w, b); },
      std::move(input), w.size(0));
}

/// A random two-layer network with smooth bends.
inline std::shared_ptr<FunctionNetwork> perceptron(uint64_t seed, std::vector<int64_t> input,
                                                   int64_t classes) {
  Noise noise = noise_for(seed, evaluation::Stream::kProbe, torch::zeros({1}, torch::kLong));
  const int64_t d = c10::multiply_integers(input);
  const Tensor a = noise.shared_normal({32, d}) * 2 / std::sqrt(double(d)),
               c = noise.shared_normal({classes, 32});
  return std::make_shared<FunctionNetwork>(
      [a, c](const Tensor& x, Noise&, models::Mode) {
        return torch::linear(torch::linear(x.flatten(1) - 0.5, a).tanh(), c);
      },
      std::move(input), classes);
}

/// Gradient steps of a fixed size, written plainly.
struct Descent final : Attack {
  int64_t steps = 10;
  double step_size = 0.01;
  Loss (*loss)(Goal) = cross_entropy;
  AttackFacts facts() const override { return {Access::kGradient}; }
  Tensor run(Target& target, const Task& task) override {
    Noise noise = task.noise.at(0);
    Tensor delta = task.threat.project(task.x, task.threat.random(task.x, noise));
    for (int64_t i = 0; i < steps; ++i) {
      const Tensor g = target.gradient(task.x + delta, task.loss_or(loss)).x;
      delta = task.threat.project(task.x, delta + step_size * task.threat.steepest(g));
    }
    return task.x + delta;
  }
};

/// Whatever the test wants.
struct Scripted final : Attack {
  std::function<Tensor(Target&, const Task&)> script;
  AttackFacts what{Access::kGradient};
  AttackFacts facts() const override { return what; }
  Tensor run(Target& target, const Task& task) override { return script(target, task); }
};

/// Gaussian noise on the input, votes of a chosen kind.
struct Voter final : Defense, Votes {
  double sigma = 0.1;
  int64_t m = 16;
  bool soft = false;
  int64_t mc_samples() const override { return m; }
  Tensor perturb(const Tensor& x, Noise& noise) override {
    return sigma == 0 ? x : x + sigma * noise.normal(x.sizes().slice(1));
  }
  Tensor ballot(const Outputs& out) override {
    if (soft) return out.logits.softmax(1);
    return torch::one_hot(out.logits.argmax(1), out.logits.size(1)).to(torch::kFloat);
  }
  double lead() const override { return 1; }
};

struct NoEnvironment final : evaluation::Environment {
  std::map<std::string, evaluation::DefendedModel*> models;
  evaluation::DefendedModel& model(const ModelRef& ref) override { return *models.at(ref.id); }
  std::unique_ptr<Attack> attack(const Use&) override { return std::make_unique<Descent>(); }
};

inline evaluation::DefendedModel defended(std::shared_ptr<models::Network> network,
                                          std::vector<std::shared_ptr<Defense>> stack = {}) {
  std::vector<evaluation::DefendedModel::Wrapper> wrappers;
  for (auto& defense : stack) wrappers.push_back({"wrapper", std::move(defense)});
  return evaluation::DefendedModel(std::move(network), {}, std::move(wrappers));
}

/// n images with the labels the model itself gives, so that every sample is right at first.
inline evaluation::CraftBatch images(evaluation::DefendedModel& model, int64_t n,
                                     uint64_t seed = 5) {
  const Tensor index = torch::arange(n);
  Noise noise = noise_for(seed, evaluation::Stream::kProbe, index);
  const Tensor x = 0.25 + 0.5 * noise.uniform(model.network().spec().input);
  model.probe(x.narrow(0, 0, std::min<int64_t>(n, 8)));
  return {x, model.decide(x, noise_for(0, evaluation::Stream::kClean, index)).answer, index};
}

inline ThreatModel ball(Norm norm, double epsilon) {
  return {norm, torch::full({1, 1, 1, 1}, epsilon), 0, 1};
}

inline evaluation::CraftBatch part(const evaluation::CraftBatch& batch, int64_t from,
                                   int64_t count) {
  return {batch.x.narrow(0, from, count), batch.y.narrow(0, from, count),
          batch.index.narrow(0, from, count)};
}

}  // namespace gauntlet::toys
