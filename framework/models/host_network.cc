#include "models/host_network.h"

#include <algorithm>
#include <stdexcept>

#include "base/bad_input.h"
#include "base/failure.h"
#include "base/invalid_result.h"
#include "base/shape_text.h"

namespace gauntlet::models {
namespace {
constexpr uint32_t kFirstLayerStream = 16;  // those below belong to the defense's other noise
constexpr uint32_t kFirstActivationStream = 1U << 16;  // beyond those of layers

Layer layer_of(const Node& node, const std::vector<Node>& nodes) {
  Layer layer;
  layer.kind = node.op == Node::Op::kConv ? Layer::Kind::kConv : Layer::Kind::kLinear;
  layer.name = node.name, layer.index = node.layer;
  layer.weight_shape = node.weight.sizes().vec();
  layer.input = nodes[size_t(node.inputs[0])].shape, layer.output = node.shape;
  return layer;
}

Noise bound_to(const Noise& noise, uint32_t stream) {
  Noise bound = noise;
  bound.key.layer = stream, bound.key.call = 0;
  return bound;
}

std::vector<int64_t> with_batch(int64_t rows, const std::vector<int64_t>& shape) {
  std::vector<int64_t> all{rows};
  all.insert(all.end(), shape.begin(), shape.end());
  return all;
}

// What a plugin's function gives, held to its shape; it is only lent what it is given.
Tensor called(const Node& node, const std::vector<Tensor>& values,
              const NetworkBuilder::Custom::Tensors& parameters) {
  const std::string who = "operation '" + node.name + "'";
  const auto versions = [&] {
    std::vector<int64_t> all;
    for (const Tensor& value : values) all.push_back(value._version());
    for (const auto& [_, tensor] : parameters) all.push_back(tensor._version());
    return all;
  };
  const std::vector<int64_t> before = versions();
  Tensor out;
  try {
    out = node.custom.function(values, parameters);
  } catch (const std::exception&) {
    throw PluginFailure(who + ": " + current_failure());
  }
  if (versions() != before) throw InvalidResult(who + " writes into values that it is only lent");
  if (!out.defined()) throw InvalidResult(who + " gave no tensor");
  const std::vector<int64_t> expected = with_batch(values[0].size(0), node.shape);
  if (out.sizes() != expected || out.scalar_type() != values[0].scalar_type())
    throw InvalidResult(who + " gave " + shape_text(out.sizes()) + " of " +
                        c10::toString(out.scalar_type()) + ", expected " + shape_text(expected) +
                        " of " + c10::toString(values[0].scalar_type()));
  return out;
}

bool is_activation(const Node& node) { return node.activation >= 0; }

// Whether a batch norm or a group norm.
bool is_norm(const Node& node) {
  return node.op == Node::Op::kBatchNorm || node.op == Node::Op::kGroupNorm;
}

// Operations that lose too much in bfloat16 compute in float32.
Tensor in_full(const Tensor& a, Mode mode) { return halves(mode) ? a.to(torch::kFloat) : a; }

Tensor smooth(NetworkBuilder::Smooth which, const Tensor& a) {
  switch (which) {
    case NetworkBuilder::Smooth::kSilu:
      return torch::silu(a);
    case NetworkBuilder::Smooth::kSoftplus:
      return torch::softplus(a);
    case NetworkBuilder::Smooth::kGelu:
      return torch::gelu(a);
    case NetworkBuilder::Smooth::kElu:
      return torch::elu(a);
    case NetworkBuilder::Smooth::kTanh:
      return torch::tanh(a);
    case NetworkBuilder::Smooth::kSigmoid:
      return torch::sigmoid(a);
  }
  throw std::logic_error("an activation without an implementation");
}

// The median of each window of an odd side.
Tensor median_of_windows(const Tensor& a, int64_t kernel) {
  const int64_t around = kernel / 2;
  const Tensor windows = torch::reflection_pad2d(a, {around, around, around, around})
                             .unfold(2, kernel, 1)
                             .unfold(3, kernel, 1);
  return std::get<0>(windows.flatten(4).median(4));
}

// Linear between the centres of pixels, or each pixel repeated.
Tensor upsampled(const Node& node, const Tensor& a) {
  const std::vector<int64_t> size{node.shape[1], node.shape[2]};
  return node.linear ? torch::upsample_bilinear2d(a, size, /*align_corners=*/false)
                     : torch::upsample_nearest2d(a, size);
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
  for (const Node& node : nodes_)
    if (is_activation(node)) activations_.push_back({node.activation, 0, node.shape});
  for (Layer& layer : layers_) layer.count = int64_t(layers_.size());
  for (Activation& place : activations_) place.count = int64_t(activations_.size());
  learned_.resize(layers_.size());
  output_acts_.resize(layers_.size(), true);
  frozen_ = layers_;
  follow_tensors();
}

void HostNetwork::declare(PerturbsLayers& plugin, const std::string& prefix) {
  for (size_t i = 0; i < layers_.size(); ++i) {
    Declared declared(layers_[i], learned_[i], prefix, trainable_);
    plugin.declare(layers_[i], declared);
  }
  follow_tensors();
}

// The layers that plugins are shown have the network's own tensors.
void HostNetwork::follow_tensors() {
  for (const Node& node : nodes_) {
    if (node.layer < 0) continue;
    layers_[size_t(node.layer)].weight = node.weight;
    frozen_[size_t(node.layer)].weight = node.weight.detach();
  }
  for (size_t i = 0; i < layers_.size(); ++i)
    for (const auto& [key, tensor] : layers_[i].learned) frozen_[i].learned[key] = tensor.detach();
}

std::vector<NamedTensor> HostNetwork::tensors() const {
  std::vector<NamedTensor> all;
  for (const Node& node : nodes_) {
    if (node.weight.defined())
      all.push_back({node.name + ".weight", node.weight, true, !is_norm(node)});
    if (node.bias.defined()) all.push_back({node.name + ".bias", node.bias, true, false});
    for (const auto& [key, tensor] : node.custom.parameters)
      all.push_back({node.name + "." + key, tensor});
    if (node.op == Node::Op::kBatchNorm) {
      const double share = node.norm_options.momentum;
      all.push_back({node.name + ".running_mean", node.mean, false, false, "main", share});
      all.push_back({node.name + ".running_var", node.variance, false, false, "main", share});
      for (size_t i = 0; i < node.branches.size(); ++i) {
        const NormBranch& own = node.branches[i];
        const auto branch = int64_t(i) + 1;
        const std::string name = node.name + ".branch" + std::to_string(branch);
        const auto add = [&](const char* key, const Tensor& tensor, bool trained) {
          all.push_back({name + key, tensor, trained, false, "main", trained ? 1 : share, branch});
        };
        add(".weight", own.weight, true), add(".bias", own.bias, true);
        add(".running_mean", own.mean, false), add(".running_var", own.variance, false);
      }
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
  for (Node& node : nodes_) {
    for (Tensor* tensor : {&node.weight, &node.bias, &node.mean, &node.variance}) move(*tensor);
    for (NormBranch& branch : node.branches)
      for (Tensor* tensor : {&branch.weight, &branch.bias, &branch.mean, &branch.variance})
        move(*tensor);
    for (auto& [key, tensor] : node.custom.parameters) move(tensor);
  }
  for (Layer& layer : layers_)
    for (auto& [key, tensor] : layer.learned) move(tensor);
  follow_tensors();
  weights_changed();
}

void HostNetwork::check_input(const Tensor& x) const {
  if (x.dim() != 4 || !x.sizes().slice(1).equals(spec_.input))
    throw std::invalid_argument("network: the input is " + shape_text(x.sizes()) +
                                ", expected rows of " + shape_text(spec_.input));
}

Outputs HostNetwork::forward(const Tensor& x, const Noise& noise,
                             const std::vector<PerturbsLayers*>& plugins, Mode mode,
                             const std::vector<std::string>& features) {
  check_input(x);
  if (const std::string wrong = features_problem(*this, features); !wrong.empty())
    throw BadInput(wrong);
  if (trains(mode)) weights_changed();  // running statistics are updated
  if (plugins != seen_plugins_) {
    seen_plugins_ = plugins;
    output_acts_.assign(layers_.size(), true);
  }
  Pass pass{noise, plugins, mode, features, std::vector<Value>(nodes_.size()), {}};
  pass.values[0] = {mode != Mode::kEvaluate ? x.contiguous(at::MemoryFormat::ChannelsLast) : x};
  keep_feature(nodes_[0], pass.values[0], pass);
  for (size_t i = 1; i < nodes_.size(); ++i) {
    pass.values[i] = run(nodes_[i], pass);
    keep_feature(nodes_[i], pass.values[i], pass);
    for (const int value : nodes_[i].drops) pass.values[size_t(value)] = {};
  }
  const Tensor& logits = pass.values.back().tensor;
  return {halves(mode) ? logits.to(torch::kFloat) : logits, {}, std::move(pass.heads)};
}

std::vector<std::string> HostNetwork::features() const {
  std::vector<std::string> names;
  for (const Node& node : nodes_)
    if (!node.feature.empty()) names.push_back(node.feature);
  return names;
}

int64_t HostNetwork::batch_norm_branches() const {
  size_t beside = 0;
  for (const Node& node : nodes_) beside = std::max(beside, node.branches.size());
  return int64_t(beside) + 1;
}

// What is asked for is seen by others, so that nothing may be computed in its place.
void HostNetwork::keep_feature(const Node& node, Value& value, Pass& pass) {
  if (node.feature.empty() || pass.features.empty()) return;
  if (std::find(pass.features.begin(), pass.features.end(), node.feature) == pass.features.end())
    return;
  value.own = false;
  pass.heads[node.feature] = halves(pass.mode) ? value.tensor.to(torch::kFloat) : value.tensor;
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
    case Node::Op::kGroupNorm: {
      const bool fixed = folds(pass.mode);
      return {torch::group_norm(in_full(a, pass.mode), node.groups,
                                fixed ? node.weight.detach() : node.weight,
                                fixed ? node.bias.detach() : node.bias),
              true};
    }
    case Node::Op::kRelu:
    case Node::Op::kSmooth:
      return run_activation(node, pass, overwrite);
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
      const bool fits = torch::result_type(a, b) == a.scalar_type();
      return {overwrite && fits ? sum.add_(b) : sum.add(b), true};
    }
    case Node::Op::kConcat:
      return {torch::cat({a, pass.values[size_t(node.inputs[1])].tensor}, 1), true};
    case Node::Op::kMul:
      return {a * pass.values[size_t(node.inputs[1])].tensor, true};
    case Node::Op::kScale:
      return {a * node.factor, true};
    case Node::Op::kMatmul:
      return {torch::matmul(in_full(a, pass.mode),
                            in_full(pass.values[size_t(node.inputs[1])].tensor, pass.mode)),
              true};
    case Node::Op::kTranspose:
      return {a.transpose(1, 2), false};
    case Node::Op::kReshape:
      return {a.reshape(with_batch(a.size(0), node.shape)), false};
    case Node::Op::kSoftmax:
      return {in_full(a, pass.mode).softmax(-1), false};
    case Node::Op::kMedianFilter:
      return {median_of_windows(in_full(a, pass.mode), node.kernel), false};
    case Node::Op::kUpsample:
      return {upsampled(node, a), true};
    case Node::Op::kCustom:
      return run_custom(node, pass);
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

HostNetwork::Value HostNetwork::run_activation(const Node& node, Pass& pass, bool overwrite) {
  const Tensor& a = pass.values[size_t(node.inputs[0])].tensor;
  if (!pass.plugins.empty()) {
    const Activation& place = activations_[size_t(node.activation)];
    Noise noise = bound_to(pass.noise, kFirstActivationStream + uint32_t(place.index));
    for (PerturbsLayers* plugin : pass.plugins)
      if (const Tensor out = plugin->activation(place, a, noise); !out.is_same(a))
        return {out, false};
  }
  if (node.op == Node::Op::kSmooth) return {smooth(node.smooth, a), false};
  if (node.slope != 0) {
    Tensor out = a;
    // Of what is written in place LibTorch tells the side by the sign of the result.
    const bool in_place = overwrite && node.slope > 0;
    return {in_place ? torch::leaky_relu_(out, node.slope) : torch::leaky_relu(a, node.slope),
            false};
  }
  return {overwrite ? a.relu_() : a.relu(), false};
}

// The function may differentiate inside, where nobody asks for a gradient, too.
HostNetwork::Value HostNetwork::run_custom(const Node& node, const Pass& pass) {
  const bool recorded = at::GradMode::is_enabled();
  std::vector<Tensor> values;
  for (const int input : node.inputs)
    values.push_back(in_full(pass.values[size_t(input)].tensor, pass.mode));
  NetworkBuilder::Custom::Tensors parameters = node.custom.parameters;
  if (!recorded || folds(pass.mode))
    for (auto& [key, tensor] : parameters) tensor = tensor.detach();
  const at::AutoGradMode on(true);
  const Tensor out = called(node, values, parameters);
  return {recorded ? out : out.detach(), false};
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
  const NormBranch own = branch_of(node);
  return {torch::batch_norm(input.tensor, own.weight, own.bias, own.mean, own.variance,
                            trains(mode), node.norm_options.momentum, node.norm_options.eps,
                            at::globalContext().userEnabledCuDNN()),
          true};
}

Tensor HostNetwork::apply(const Node& node, Tensor a, Tensor weight, Tensor bias, Mode mode) {
  for (Tensor* tensor : {&a, &weight, &bias})
    if (halves(mode) && tensor->defined()) *tensor = tensor->to(torch::kBFloat16);
  if (node.op == Node::Op::kLinear) return torch::linear(a, weight, bias);
  if (node.padding_end > 0)
    a = torch::constant_pad_nd(a, {0, node.padding_end, 0, node.padding_end});
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
  Noise noise = bound_to(pass.noise, kFirstLayerStream + uint32_t(layer.index));
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
