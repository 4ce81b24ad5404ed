#include "models/host_network.h"

#include <stdexcept>

#include "base/bad_input.h"
#include "base/shape_text.h"

namespace gauntlet::models {
namespace {
constexpr uint32_t kFirstLayerStream = 16;  // those below belong to the defense's other noise

Layer layer_of(const Node& node, const std::vector<Node>& nodes) {
  Layer layer;
  layer.kind = node.op == Node::Op::kConv ? Layer::Kind::kConv : Layer::Kind::kLinear;
  layer.name = node.name, layer.index = node.layer;
  layer.weight_shape = node.weight.sizes().vec();
  layer.input = nodes[size_t(node.inputs[0])].shape, layer.output = node.shape;
  return layer;
}

Noise bound_to(const Noise& noise, const Layer& layer) {
  Noise bound = noise;
  bound.key.layer = kFirstLayerStream + uint32_t(layer.index), bound.key.call = 0;
  return bound;
}
}  // namespace

struct HostNetwork::Declared final : Parameters {
  Declared(Layer& layer, std::vector<Learned>& learned, std::string prefix, bool trainable)
      : layer(layer), learned(learned), prefix(std::move(prefix)), trainable(trainable) {}

  void add(const std::string& name, const Tensor& initial, bool weight_decay,
           const std::string& optimizer) override {
    const Tensor tensor = initial.detach().clone().set_requires_grad(trainable);
    if (!layer.learned.emplace(name, tensor).second)
      throw BadInput("layer plugin '" + prefix + "': layer '" + layer.name +
                     "' has a learned tensor '" + name + "' already");
    learned.push_back({layer.name + "." + prefix + "." + name, name, weight_decay, optimizer});
  }

  Layer& layer;
  std::vector<Learned>& learned;
  const std::string prefix;
  const bool trainable;
};

HostNetwork::HostNetwork(NetworkSpec spec, std::vector<Node> nodes)
    : spec_(std::move(spec)), nodes_(std::move(nodes)), folded_(nodes_.size()) {
  for (const Node& node : nodes_)
    if (node.layer >= 0) layers_.push_back(layer_of(node, nodes_));
  for (Layer& layer : layers_) layer.count = int64_t(layers_.size());
  learned_.resize(layers_.size());
  output_acts_.resize(layers_.size(), true);
  frozen_ = layers_;
}

void HostNetwork::declare(PerturbsLayers& plugin, const std::string& prefix) {
  for (size_t i = 0; i < layers_.size(); ++i) {
    Declared declared(layers_[i], learned_[i], prefix, trainable_);
    plugin.declare(layers_[i], declared);
  }
  freeze_learned();
}

void HostNetwork::freeze_learned() {
  for (size_t i = 0; i < layers_.size(); ++i)
    for (const auto& [key, tensor] : layers_[i].learned) frozen_[i].learned[key] = tensor.detach();
}

std::vector<NamedTensor> HostNetwork::tensors() const {
  std::vector<NamedTensor> all;
  for (const Node& node : nodes_) {
    const bool norm = node.op == Node::Op::kBatchNorm;
    if (node.weight.defined()) all.push_back({node.name + ".weight", node.weight, true, !norm});
    if (node.bias.defined()) all.push_back({node.name + ".bias", node.bias, true, false});
    if (norm) {
      const double share = node.norm_options.momentum;
      all.push_back({node.name + ".running_mean", node.mean, false, false, "main", share});
      all.push_back({node.name + ".running_var", node.variance, false, false, "main", share});
    }
    if (node.layer < 0) continue;
    const Layer& layer = layers_[size_t(node.layer)];
    for (const Learned& l : learned_[size_t(node.layer)])
      all.push_back({l.name, layer.learned.at(l.key), true, l.weight_decay, l.optimizer});
  }
  return all;
}

void HostNetwork::weights_changed() {
  for (Folded& folded : folded_) folded = {};
}

void HostNetwork::set_trainable(bool on) {
  trainable_ = on;
  for (const NamedTensor& named : tensors())
    if (named.trained) named.tensor.set_requires_grad(on);
}

void HostNetwork::to(at::Device device) {
  const auto move = [&](Tensor& tensor) {
    if (tensor.defined())
      tensor = tensor.detach().to(device).set_requires_grad(tensor.requires_grad());
  };
  for (Node& node : nodes_)
    for (Tensor* tensor : {&node.weight, &node.bias, &node.mean, &node.variance}) move(*tensor);
  for (Layer& layer : layers_)
    for (auto& [key, tensor] : layer.learned) move(tensor);
  freeze_learned();
  weights_changed();
}

void HostNetwork::check_input(const Tensor& x) const {
  if (x.dim() != 4 || !x.sizes().slice(1).equals(spec_.input))
    throw std::invalid_argument("network: the input is " + shape_text(x.sizes()) +
                                ", expected rows of " + shape_text(spec_.input));
}

Outputs HostNetwork::forward(const Tensor& x, const Noise& noise,
                             const std::vector<PerturbsLayers*>& plugins, Mode mode) {
  check_input(x);
  if (trains(mode)) weights_changed();  // running statistics are updated
  if (plugins != seen_plugins_) {
    seen_plugins_ = plugins;
    output_acts_.assign(layers_.size(), true);
  }
  Pass pass{noise, plugins, mode, std::vector<Value>(nodes_.size())};
  pass.values[0] = {mode != Mode::kEvaluate ? x.contiguous(at::MemoryFormat::ChannelsLast) : x};
  for (size_t i = 1; i < nodes_.size(); ++i) {
    pass.values[i] = run(nodes_[i], pass);
    for (const int value : nodes_[i].drops) pass.values[size_t(value)] = {};
  }
  const Tensor& logits = pass.values.back().tensor;
  return {halves(mode) ? logits.to(torch::kFloat) : logits, {}};
}

HostNetwork::Value HostNetwork::run(const Node& node, Pass& pass) {
  Value& input = pass.values[size_t(node.inputs[0])];
  const Tensor& a = input.tensor;
  const bool overwrite = input.own && nodes_[size_t(node.inputs[0])].readers == 1;
  switch (node.op) {
    case Node::Op::kInput:
      return input;
    case Node::Op::kNormalise:
      return {normalise(node, a, pass.mode), true};
    case Node::Op::kConv:
    case Node::Op::kLinear:
      return run_layer(node, pass);
    case Node::Op::kBatchNorm:
      return run_batch_norm(node, input, pass.mode);
    case Node::Op::kRelu:
      return {overwrite ? a.relu_() : a.relu(), false};
    case Node::Op::kMaxPool:
      return {torch::max_pool2d(a, node.kernel, node.stride, node.padding), true};
    case Node::Op::kAvgPool:
      return {torch::avg_pool2d(a, node.kernel, node.stride), true};
    case Node::Op::kGlobalAvgPool:
      return {a.mean({2, 3}, /*keepdim=*/true), true};
    case Node::Op::kFlatten:
      return {a.flatten(1), false};
    case Node::Op::kAdd: {
      Tensor sum = a;
      const Tensor& b = pass.values[size_t(node.inputs[1])].tensor;
      return {overwrite ? sum.add_(b) : sum.add(b), true};
    }
    case Node::Op::kConcat:
      return {torch::cat({a, pass.values[size_t(node.inputs[1])].tensor}, 1), true};
    case Node::Op::kSubsamplePad: {
      // Every stride-th pixel. Slices would give the gradient another layout than the convolutions
      // give, and all that is computed with it before the next convolution takes twice as long.
      const Tensor kept = torch::avg_pool2d(a, 1, node.stride);
      const int64_t after = node.shape[0] - a.size(1) - node.padding;
      return {torch::constant_pad_nd(kept, {0, 0, 0, 0, node.padding, after}), true};
    }
  }
  throw std::logic_error("an operation without an implementation");
}

Tensor HostNetwork::normalise(const Node& node, const Tensor& x, Mode mode) {
  if (!folds(mode)) return (x - node.mean) / node.variance;
  const Folded& f = folded(node, mode);
  return torch::addcmul(f.shift, x, f.multiplier);
}

HostNetwork::Value HostNetwork::run_batch_norm(const Node& node, const Value& input, Mode mode) {
  if (input.normalised) return {input.tensor, input.own};
  if (folds(mode)) {
    const Folded& f = folded(node, mode);
    return {torch::addcmul(f.shift, input.tensor, f.multiplier), true};
  }
  return {torch::batch_norm(input.tensor, node.weight, node.bias, node.mean, node.variance,
                            trains(mode), node.norm_options.momentum, node.norm_options.eps,
                            at::globalContext().userEnabledCuDNN()),
          true};
}

Tensor HostNetwork::apply(const Node& node, Tensor a, Tensor weight, Tensor bias, Mode mode) {
  for (Tensor* tensor : {&a, &weight, &bias})
    if (halves(mode) && tensor->defined()) *tensor = tensor->to(torch::kBFloat16);
  if (node.op == Node::Op::kLinear) return torch::linear(a, weight, bias);
  if (mode != Mode::kEvaluate) weight = weight.contiguous(at::MemoryFormat::ChannelsLast);
  return torch::conv2d(a, weight, bias, node.stride, node.padding);
}

// A convolution or linear layer with the plugins' hooks. Folded, batch norm is in the weight,
// unless a plugin's output() acts, which comes before batch norm. Whether it does is known only
// after it was asked: where the guess was wrong, either way, the layer is run again with the noise
// as it was. So the guess costs time at most, and never shows in the last bits of a result.
HostNetwork::Value HostNetwork::run_layer(const Node& node, Pass& pass) {
  const size_t index = size_t(node.layer);
  const bool folding = folds(pass.mode), with_norm = folding && node.batch_norm >= 0;
  const Folded* f = folding ? &folded(node, pass.mode) : nullptr;
  Tensor a = pass.values[size_t(node.inputs[0])].tensor;
  if (pass.plugins.empty())
    return folding ? Value{apply(node, a, f->weight, f->bias, pass.mode), true, with_norm}
                   : Value{apply(node, a, node.weight, node.bias, pass.mode), true};

  const Layer& layer = folding ? frozen_[index] : layers_[index];
  Noise noise = bound_to(pass.noise, layer);
  const Tensor plain = folding ? node.weight.detach() : node.weight;
  Tensor weight = plain;
  for (PerturbsLayers* plugin : pass.plugins) weight = plugin->weight(layer, weight, noise);
  for (PerturbsLayers* plugin : pass.plugins) a = plugin->input(layer, a, noise);

  const auto run = [&](bool normalised) {
    if (!folding) return apply(node, a, weight, node.bias, pass.mode);
    const Tensor& bias = normalised ? f->bias : f->raw_bias;
    if (weight.is_same(plain))
      return apply(node, a, normalised ? f->weight : f->raw_weight, bias, pass.mode);
    const Tensor drawn = (normalised ? weight.detach() * f->scale : weight.detach());
    return apply(node, a, drawn, bias, pass.mode);
  };
  const auto hooked = [&](Tensor out, Noise from) {
    for (PerturbsLayers* plugin : pass.plugins) out = plugin->output(layer, out, from);
    return out;
  };
  bool normalised = with_norm && !output_acts_[index];
  const Tensor out = run(normalised);
  Tensor after = hooked(out, noise);
  const bool acts = !after.is_same(out);
  output_acts_[index] = acts;
  if (with_norm && normalised == acts) {
    normalised = !acts;
    after = acts ? hooked(run(false), noise) : run(true);
  }
  return {after, !acts, normalised};
}

}  // namespace gauntlet::models
