// Networks and plugins the tests of this folder share.
#pragma once
#include <gtest/gtest.h>

#include "gauntlet/noise.h"
#include "models/network.h"

namespace gauntlet::testing {

inline ParamMap layer(const char* type, ParamMap rest = {}) {
  rest["type"] = type;
  return rest;
}

/// Convolutions with and without batch norm, every kind of pooling, batch norm that cannot be
/// folded, batch norm after a linear layer.
inline models::NetworkSpec mixed_spec() {
  models::NetworkSpec spec;
  spec.architecture = "sequential", spec.input = {3, 16, 16}, spec.classes = 5;
  spec.mean = {0.5, 0.375, 0.25}, spec.std = {0.25, 0.5, 0.125};  // exact in float32
  spec.options["layers"] =
      ParamList{layer("conv", {{"out", 8}, {"kernel", 3}, {"padding", 1}, {"bias", false}}),
                layer("batchnorm"),
                layer("relu"),
                layer("maxpool", {{"kernel", 2}}),
                layer("conv", {{"out", 6}, {"kernel", 3}, {"stride", 2}}),
                layer("relu"),
                layer("batchnorm"),
                layer("conv", {{"out", 12}, {"kernel", 2}, {"padding", 1}}),
                layer("batchnorm"),
                layer("relu"),
                layer("avgpool", {{"kernel", 2}}),
                layer("flatten"),
                layer("linear", {{"out", 10}}),
                layer("batchnorm"),
                layer("relu"),
                layer("linear", {{"out", 5}})};
  return spec;
}

inline models::NetworkSpec resnet_spec(const char* shortcut) {
  models::NetworkSpec spec;
  spec.architecture = "resnet20", spec.input = {3, 16, 16}, spec.classes = 10;
  spec.mean = {0.5, 0.375, 0.25}, spec.std = {0.25, 0.5, 0.125};
  spec.options["shortcut"] = shortcut;
  return spec;
}

inline Noise noise_for(int64_t rows, uint64_t seed = 1) {
  Noise noise;
  noise.key.seed = seed, noise.key.id = torch::arange(rows);
  noise.key.place = torch::zeros({rows}, torch::kLong);
  return noise;
}

inline Tensor images(const models::NetworkSpec& spec, int64_t rows, uint64_t seed = 5) {
  return noise_for(rows, seed).uniform(spec.input);
}

/// Statistics and batch norm parameters as of a trained network, not the identity.
inline void make_uneven(models::Network& network) {
  const at::NoGradGuard no_graph;
  Noise noise = noise_for(1, 9);
  for (const models::NamedTensor& t : network.tensors()) {
    const Tensor u = noise.uniform(t.tensor.sizes()).squeeze(0);
    if (t.name.ends_with("running_var")) t.tensor.copy_(u + 0.5);
    if (t.name.ends_with("running_mean")) t.tensor.copy_(u - 0.5);
    if (!t.weight_decay && t.name.ends_with("weight")) t.tensor.copy_(u + 0.5);
    if (t.name.ends_with("bias")) t.tensor.copy_(u * 0.4 - 0.2);
  }
  network.weights_changed();
}

inline std::map<std::string, Tensor> state_of(const models::Network& network) {
  std::map<std::string, Tensor> state;
  for (const models::NamedTensor& t : network.tensors()) state[t.name] = t.tensor.detach().clone();
  return state;
}

/// All tensors in float64, where no rounding carries a relu over its kink.
inline void make_double(models::Network& network) {
  for (const models::NamedTensor& t : network.tensors())
    t.tensor.set_data(t.tensor.to(torch::kDouble));
  network.weights_changed();
}

/// Logits and the gradient of a fixed weighting of them.
struct Answer {
  Tensor logits, gradient;
};
inline Answer ask(models::Network& network, const Tensor& x,
                  const std::vector<PerturbsLayers*>& plugins, models::Mode mode,
                  uint64_t seed = 1) {
  const Tensor leaf = x.detach().clone().requires_grad_(true);
  const Tensor logits = network.forward(leaf, noise_for(x.size(0), seed), plugins, mode).logits;
  const Tensor weighting = noise_for(x.size(0), 77).normal({logits.size(1)});
  return {logits.detach(), torch::autograd::grad({(logits * weighting).sum()}, {leaf})[0]};
}

/// |a - b| relative to the size of b as a whole.
inline double relative_error(const Tensor& a, const Tensor& b) {
  return ((a - b).norm() / b.norm()).item<double>();
}

/// w + 0.1 std(w) noise, one draw for all rows.
struct WeightNoise final : PerturbsLayers {
  Tensor weight(const Layer&, const Tensor& w, Noise& noise) override {
    return w + 0.1 * w.std() * noise.shared_normal(w.sizes());
  }
};
struct InputNoise final : PerturbsLayers {
  Tensor input(const Layer&, const Tensor& a, Noise& noise) override {
    return a + 0.1 * noise.normal(a.sizes().slice(1));
  }
};
struct OutputNoise final : PerturbsLayers {
  Tensor output(const Layer&, const Tensor& a, Noise& noise) override {
    return a + 0.1 * noise.normal(a.sizes().slice(1));
  }
};

}  // namespace gauntlet::testing
