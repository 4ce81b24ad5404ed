// What tests of noise in layers share.
#pragma once
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>

#include "tests/toys/toy_model.h"

namespace gauntlet::toys {

inline PerturbsLayers& perturbs(const std::shared_ptr<Defense>& plugin) {
  return dynamic_cast<PerturbsLayers&>(*plugin);
}

struct Declared final : Parameters {
  std::map<std::string, Tensor> tensors;
  bool decays = false;
  void add(const std::string& name, const Tensor& initial, bool weight_decay,
           const std::string&) override {
    tensors[name] = initial;
    decays |= weight_decay;
  }
};
inline Layer layer_of(std::vector<int64_t> weight_shape) {
  Layer layer;
  layer.weight_shape = std::move(weight_shape);
  return layer;
}

// By finite differences, with the draw held: the gradient of a quadratic loss in one learned
// tensor.
inline void expect_gradient(const std::shared_ptr<Defense>& plugin, Layer layer,
                            const std::string& name,
                            const std::function<Tensor(const Layer&, Noise)>& loss, double step,
                            double tolerance) {
  Declared declared;
  perturbs(plugin).declare(layer, declared);
  layer.learned = declared.tensors;
  const Noise noise = noise_of(1);
  const Tensor value = layer.learned.at(name).clone().requires_grad_(true);
  layer.learned[name] = value;
  const Tensor gradient = torch::autograd::grad({loss(layer, noise)}, {value})[0];
  const at::NoGradGuard no_graph;
  for (int64_t i = 0; i < value.numel(); ++i) {
    const auto at = [&](double by) {
      layer.learned[name] = value.detach().clone();
      layer.learned[name].view({-1})[i] += by;
      return loss(layer, noise).item<double>();
    };
    const double slope = (at(step) - at(-step)) / (2 * step);
    EXPECT_NEAR(gradient.view({-1})[i].item<double>(), slope, tolerance * (1 + std::fabs(slope)))
        << name << " " << i;
  }
}

inline Layer activations(std::vector<int64_t> input, std::vector<int64_t> output,
                         int64_t index = 0) {
  Layer layer = layer_of({output[0], input[0], 3, 3});
  layer.input = std::move(input), layer.output = std::move(output), layer.index = index;
  return layer;
}

struct CniLayer {
  std::shared_ptr<Defense> plugin;
  Layer layer;
  explicit CniLayer(const ParamMap& params, std::vector<int64_t> shape = {2, 1, 2, 2})
      : plugin(defense("cni", params)), layer(layer_of(std::move(shape))) {
    Declared declared;
    perturbs(plugin).declare(layer, declared);
    layer.learned = declared.tensors;
  }
  Tensor draw(const Tensor& w, Noise& noise) {
    return perturbs(plugin).weight(layer, w, noise) - w;
  }
};

}  // namespace gauntlet::toys
