// The operations of a graph: what each reads, and the shape that it gives.
#include <algorithm>
#include <cmath>

#include "base/bad_input.h"
#include "base/shape_text.h"
#include "models/graph.h"

namespace gauntlet::models {
namespace {
// Output size along one axis, or < 1 where the window does not fit. `end`: padding beyond
// `padding`, on one side.
int64_t slid(int64_t size, int64_t kernel, int64_t stride, int64_t padding, int64_t end = 0) {
  const int64_t room = size + 2 * padding + end - kernel;
  return room < 0 ? 0 : room / stride + 1;
}
void expect_within(const std::string& what, const char* name, int64_t value, int64_t least) {
  if (value < least || value > kLargestSize)
    throw BadInput(what + ": " + name + " = " + std::to_string(value) + " is not in [" +
                   std::to_string(least) + ", " + std::to_string(kLargestSize) + "]");
}
void expect_window(const std::string& what, int64_t kernel, int64_t stride, int64_t padding) {
  expect_within(what, "kernel", kernel, 1);
  expect_within(what, "stride", stride, 1);
  expect_within(what, "padding", padding, 0);
}
Tensor per_channel(const std::vector<double>& values) {
  return torch::tensor(values, torch::kFloat).view({-1, 1, 1});
}
}  // namespace

int Graph::normalise(int from, const std::vector<double>& mean, const std::vector<double>& std) {
  Node node = reading(Node::Op::kNormalise, from);
  node.mean = per_channel(mean), node.variance = per_channel(std);
  return push(std::move(node));
}

int Graph::conv(int from, const std::string& name, const ConvOptions& o) {
  unique(name);
  const std::string what = "convolution '" + name + "'";
  expect_image(from, what);
  expect_within(what, "out", o.out, 1);
  expect_window(what, o.kernel, o.stride, o.padding);
  Node node = reading(Node::Op::kConv, from);
  const auto& in = shape(from);
  node.name = name, node.kernel = o.kernel, node.stride = o.stride, node.padding = o.padding;
  node.padding_end = o.padding_end;
  node.shape = {o.out, slid(in[1], o.kernel, o.stride, o.padding, o.padding_end),
                slid(in[2], o.kernel, o.stride, o.padding, o.padding_end)};
  if (node.shape[1] < 1 || node.shape[2] < 1)
    throw BadInput(what + ": a kernel of " + std::to_string(o.kernel) + " with padding " +
                   std::to_string(o.padding) + " does not fit in " + shape_text(in));
  node.layer = layers_++;
  node.weight = torch::empty({o.out, in[0], o.kernel, o.kernel});
  if (o.bias) node.bias = torch::empty({o.out});
  return push(std::move(node));
}

int Graph::linear(int from, const std::string& name, int64_t out, bool bias) {
  unique(name);
  if (shape(from).size() != 1)
    throw BadInput("linear layer '" + name + "' needs a flat input, not " +
                   shape_text(shape(from)) + ": put { type = \"flatten\" } before it");
  expect_within("linear layer '" + name + "'", "out", out, 1);
  Node node = reading(Node::Op::kLinear, from);
  node.name = name, node.shape = {out}, node.layer = layers_++;
  node.weight = torch::empty({out, shape(from)[0]});
  if (bias) node.bias = torch::empty({out});
  return push(std::move(node));
}

int Graph::batch_norm(int from, const std::string& name, const BatchNormOptions& options) {
  unique(name);
  Node node = reading(Node::Op::kBatchNorm, from);
  node.name = name, node.norm_options = options;
  const int64_t channels = node.shape[0];
  node.weight = torch::ones({channels}), node.bias = torch::zeros({channels});
  node.mean = torch::zeros({channels}), node.variance = torch::ones({channels});
  for (int64_t branch = 1; branch < norm_branches_; ++branch)
    node.branches.push_back({torch::ones({channels}), torch::zeros({channels}),
                             torch::zeros({channels}), torch::ones({channels})});
  return push(std::move(node));
}

int Graph::group_norm(int from, const std::string& name, int64_t groups) {
  unique(name);
  const std::string what = "group norm '" + name + "'";
  Node node = reading(Node::Op::kGroupNorm, from);
  const int64_t channels = node.shape.empty() ? 0 : node.shape[0];
  expect_within(what, "groups", groups, 1);
  if (channels % groups != 0)
    throw BadInput(what + ": " + std::to_string(channels) + " channels are no " +
                   std::to_string(groups) + " equal groups");
  node.name = name, node.groups = groups;
  node.weight = torch::ones({channels}), node.bias = torch::zeros({channels});
  return push(std::move(node));
}

int Graph::activate(Node node) {
  node.activation = activations_++;
  return push(std::move(node));
}
int Graph::relu(int from) { return activate(reading(Node::Op::kRelu, from)); }
int Graph::leaky_relu(int from, double slope) {
  if (!std::isfinite(slope))
    throw BadInput("leaky ReLU: negative_slope = " + std::to_string(slope) +
                   " is no finite number");
  Node node = reading(Node::Op::kRelu, from);
  node.slope = slope;
  return activate(std::move(node));
}
int Graph::smooth(int from, NetworkBuilder::Smooth which) {
  Node node = reading(Node::Op::kSmooth, from);
  node.smooth = which;
  return activate(std::move(node));
}

int Graph::pool(Node::Op op, int from, int64_t kernel, int64_t stride, int64_t padding) {
  expect_image(from, "pooling");
  expect_window("pooling", kernel, stride, padding);
  Node node = reading(op, from);
  if (2 * padding > kernel)
    throw BadInput("pooling: a padding of " + std::to_string(padding) +
                   " is more than half of the kernel of " + std::to_string(kernel));
  node.kernel = kernel, node.stride = stride, node.padding = padding;
  for (int axis : {1, 2}) {
    node.shape[size_t(axis)] = slid(shape(from)[size_t(axis)], kernel, stride, padding);
    if (node.shape[size_t(axis)] < 1)
      throw BadInput("pooling: a kernel of " + std::to_string(kernel) + " does not fit in " +
                     shape_text(shape(from)));
  }
  return push(std::move(node));
}
int Graph::max_pool(int from, int64_t kernel, int64_t stride, int64_t padding) {
  return pool(Node::Op::kMaxPool, from, kernel, stride, padding);
}
int Graph::avg_pool(int from, int64_t kernel, int64_t stride) {
  return pool(Node::Op::kAvgPool, from, kernel, stride, 0);
}

int Graph::global_avg_pool(int from) {
  expect_image(from, "global average pooling");
  Node node = reading(Node::Op::kGlobalAvgPool, from);
  node.shape = {node.shape[0], 1, 1};
  return push(std::move(node));
}

int Graph::flatten(int from) {
  Node node = reading(Node::Op::kFlatten, from);
  node.shape = {c10::multiply_integers(node.shape)};
  return push(std::move(node));
}

int Graph::add(int a, int b) {
  if (shape(a) != shape(b))
    throw BadInput("a sum of unequal shapes: " + shape_text(shape(a)) + " and " +
                   shape_text(shape(b)));
  Node node = reading(Node::Op::kAdd, a);
  node.inputs = {a, b};
  return push(std::move(node));
}

int Graph::concat(int a, int b) {
  const auto &one = shape(a), &other = shape(b);
  if (one.empty() || one.size() != other.size() ||
      !std::equal(one.begin() + 1, one.end(), other.begin() + 1))
    throw BadInput("shapes that cannot stand side by side: " + shape_text(one) + " and " +
                   shape_text(other));
  Node node = reading(Node::Op::kConcat, a);
  node.inputs = {a, b};
  node.shape[0] += other[0];
  return push(std::move(node));
}

int Graph::subsample_pad(int from, int64_t channels, int64_t stride) {
  expect_image(from, "a shortcut");
  Node node = reading(Node::Op::kSubsamplePad, from);
  node.stride = stride, node.padding = (channels - node.shape[0]) / 2;
  node.shape = {channels, (node.shape[1] - 1) / stride + 1, (node.shape[2] - 1) / stride + 1};
  return push(std::move(node));
}

int Graph::mul(int a, int b) {
  const auto &one = shape(a), &other = shape(b);
  const bool by_channel =
      one.size() == 3 && other.size() == 3 && other == std::vector<int64_t>{one[0], 1, 1};
  if (one != other && !by_channel)
    throw BadInput("a product of shapes that do not fit: " + shape_text(one) + " and " +
                   shape_text(other));
  Node node = reading(Node::Op::kMul, a);
  node.inputs = {a, b};
  return push(std::move(node));
}

int Graph::scale(int from, double factor) {
  if (!std::isfinite(factor)) throw BadInput("scale: the factor is not finite");
  Node node = reading(Node::Op::kScale, from);
  node.factor = factor;
  return push(std::move(node));
}

int Graph::matmul(int a, int b) {
  const auto &one = shape(a), &other = shape(b);
  if (one.size() != 2 || other.size() != 2 || one[1] != other[0])
    throw BadInput("a matrix product needs [n, k] and [k, m], not " + shape_text(one) + " and " +
                   shape_text(other));
  Node node = reading(Node::Op::kMatmul, a);
  node.inputs = {a, b}, node.shape = {one[0], other[1]};
  return push(std::move(node));
}

int Graph::transpose(int from) {
  if (shape(from).size() != 2)
    throw BadInput("a transpose needs a matrix [n, m], not " + shape_text(shape(from)));
  Node node = reading(Node::Op::kTranspose, from);
  std::swap(node.shape[0], node.shape[1]);
  return push(std::move(node));
}

int Graph::reshape(int from, const std::vector<int64_t>& to) {
  if (to.empty()) throw BadInput("reshape: the shape is empty");
  for (const int64_t size : to) expect_within("reshape", "a size", size, 1);
  if (c10::multiply_integers(to) != c10::multiply_integers(shape(from)))
    throw BadInput("reshape: " + shape_text(shape(from)) + " has not the numbers of " +
                   shape_text(to));
  Node node = reading(Node::Op::kReshape, from);
  node.shape = to;
  return push(std::move(node));
}

int Graph::softmax(int from) { return push(reading(Node::Op::kSoftmax, from)); }

int Graph::median_filter(int from, int64_t kernel) {
  expect_image(from, "a median filter");
  expect_within("a median filter", "kernel", kernel, 1);
  if (kernel % 2 == 0 || kernel / 2 >= std::min(shape(from)[1], shape(from)[2]))
    throw BadInput("a median filter: a kernel of " + std::to_string(kernel) +
                   " is not odd, or does not fit in " + shape_text(shape(from)));
  Node node = reading(Node::Op::kMedianFilter, from);
  node.kernel = kernel;
  return push(std::move(node));
}

int Graph::upsample(int from, int64_t factor, bool linear) {
  expect_image(from, "upsampling");
  expect_within("upsampling", "factor", factor, 1);
  Node node = reading(Node::Op::kUpsample, from);
  node.stride = factor, node.linear = linear;
  node.shape[1] *= factor, node.shape[2] *= factor;
  return push(std::move(node));
}

int Graph::custom(const std::vector<int>& from, const std::string& name,
                  const NetworkBuilder::Custom& custom) {
  unique(name);
  const std::string what = "operation '" + name + "'";
  if (from.empty()) throw BadInput(what + " reads no value");
  if (!custom.function) throw BadInput(what + " has no function");
  if (custom.shape.empty()) throw BadInput(what + " does not say the shape of what it gives");
  for (const int64_t size : custom.shape) expect_within(what, "a size", size, 1);
  Node node;
  node.op = Node::Op::kCustom, node.inputs = from, node.shape = custom.shape, node.name = name;
  node.custom = custom;
  for (auto& [key, tensor] : node.custom.parameters) {
    if (key.empty() || key.find('.') != std::string::npos)
      throw BadInput(what + ": the parameter name '" + key + "' is empty or has a dot");
    if (!tensor.defined() || tensor.scalar_type() != torch::kFloat)
      throw BadInput(what + ": the parameter '" + key + "' is no float32 tensor");
    tensor = tensor.detach().clone();
  }
  return push(std::move(node));
}

}  // namespace gauntlet::models
