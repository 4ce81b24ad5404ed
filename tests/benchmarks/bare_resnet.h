// ResNet-20 with option A shortcuts, written out by hand and optimised: what the host's networks
// are measured against.
#pragma once
#include <torch/csrc/autograd/autograd.h>

#include <map>
#include <string>
#include <vector>

#include "models/network.h"

namespace gauntlet::benchmarks {

/// Calls visit(convolution, batch norm, stride) in forward order.
template <class Visit>
void each_convolution(const Visit& visit) {
  visit("conv1", "bn1", 1);
  for (int stage = 1; stage <= 3; ++stage)
    for (int block = 0; block < 3; ++block) {
      const std::string name = "layer" + std::to_string(stage) + "." + std::to_string(block) + ".";
      visit(name + "conv1", name + "bn1", stage > 1 && block == 0 ? 2 : 1);
      visit(name + "conv2", name + "bn2", 1);
    }
}

/// The wiring, for any `conv(index, input)` that includes batch norm.
template <class Conv>
Tensor wired(const Conv& conv, const std::vector<int64_t>& strides, const Tensor& input) {
  Tensor a = conv(0, input.contiguous(at::MemoryFormat::ChannelsLast)).relu_();
  for (size_t i = 1; i < strides.size(); i += 2) {
    Tensor shortcut = a;
    if (strides[i] == 2) {
      const int64_t pad = a.size(1) / 2;
      shortcut = torch::constant_pad_nd(a.slice(2, 0, c10::nullopt, 2).slice(3, 0, c10::nullopt, 2),
                                        {0, 0, 0, 0, pad, pad});
    }
    a = conv(i + 1, conv(i, a).relu_()).add_(shortcut).relu_();
  }
  return a.mean({2, 3});
}

/// For attacks: batch norm folded, channels last, no parameter gradients.
struct BareFolded {
  std::vector<Tensor> weights, biases;
  std::vector<int64_t> strides;
  Tensor weight, bias;  // of the classifier

  void add(const Tensor& w, const Tensor& gamma, const Tensor& beta, const Tensor& mean,
           const Tensor& variance, int64_t stride, at::ScalarType type) {
    const Tensor scale = gamma / (variance + 1e-5).sqrt();
    weights.push_back(
        (w * scale.view({-1, 1, 1, 1})).contiguous(at::MemoryFormat::ChannelsLast).to(type));
    biases.push_back((beta - mean * scale).to(type));
    strides.push_back(stride);
  }
  Tensor forward(const Tensor& input) const {
    const auto conv = [&](size_t i, const Tensor& a) {
      return torch::conv2d(a, weights[i], biases[i], strides[i], 1);
    };
    const Tensor features = wired(conv, strides, input.to(weight.scalar_type()));
    return torch::linear(features, weight, bias).to(torch::kFloat);
  }
  Tensor gradient(const Tensor& x, const Tensor& y) const {
    const at::AutoGradMode graph(true);
    const Tensor leaf = x.detach().requires_grad_(true);
    const Tensor loss = torch::cross_entropy_loss(forward(leaf), y, {}, at::Reduction::Sum);
    return torch::autograd::grad({loss}, {leaf})[0];
  }
};

inline std::map<std::string, Tensor> values_of(const models::Network& network) {
  std::map<std::string, Tensor> values;
  for (const models::NamedTensor& named : network.tensors())
    values[named.name] = named.tensor.detach().clone();
  return values;
}

inline BareFolded folded(const models::Network& network) {
  const auto t = values_of(network);
  BareFolded bare;
  each_convolution([&](const std::string& conv, const std::string& norm, int64_t stride) {
    bare.add(t.at(conv + ".weight"), t.at(norm + ".weight"), t.at(norm + ".bias"),
             t.at(norm + ".running_mean"), t.at(norm + ".running_var"), stride, torch::kFloat);
  });
  bare.weight = t.at("linear.weight"), bare.bias = t.at("linear.bias");
  return bare;
}

}  // namespace gauntlet::benchmarks
