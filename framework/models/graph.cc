#include "models/graph.h"

#include <algorithm>

#include "base/bad_input.h"
#include "base/shape_text.h"

namespace gauntlet::models {
namespace {
// Output size along one axis, or < 1 where the window does not fit.
int64_t slid(int64_t size, int64_t kernel, int64_t stride, int64_t padding) {
  const int64_t room = size + 2 * padding - kernel;
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

Graph::Graph(const std::vector<int64_t>& input) {
  Node node;
  node.shape = input;
  push(std::move(node));
}

int Graph::push(Node node) {
  nodes_.push_back(std::move(node));
  return int(nodes_.size()) - 1;
}

Node Graph::reading(Node::Op op, int from) const {
  Node node;
  node.op = op, node.inputs = {from}, node.shape = shape(from);
  return node;
}

void Graph::expect_image(int from, const std::string& what) const {
  if (shape(from).size() != 3)
    throw BadInput(what + " needs an image [C, H, W], not a flat input " + shape_text(shape(from)));
}

void Graph::unique(const std::string& name) {
  if (name.empty() || std::find(names_.begin(), names_.end(), name) != names_.end())
    throw BadInput("the layer name '" + name + "' is " + (name.empty() ? "empty" : "there twice"));
  names_.push_back(name);
}

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
  node.shape = {o.out, slid(in[1], o.kernel, o.stride, o.padding),
                slid(in[2], o.kernel, o.stride, o.padding)};
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
  return push(std::move(node));
}

int Graph::relu(int from) { return push(reading(Node::Op::kRelu, from)); }

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

std::vector<Node> Graph::finish() && {
  std::vector<int> last_reader(nodes_.size(), -1);
  for (size_t i = 0; i < nodes_.size(); ++i)
    for (const int from : nodes_[i].inputs) {
      ++nodes_[size_t(from)].readers;
      last_reader[size_t(from)] = int(i);
    }
  for (size_t value = 0; value < nodes_.size(); ++value)
    if (last_reader[value] >= 0) nodes_[size_t(last_reader[value])].drops.push_back(int(value));
  for (size_t i = 0; i < nodes_.size(); ++i)
    if (nodes_[i].op == Node::Op::kBatchNorm)
      if (Node& source = nodes_[size_t(nodes_[i].inputs[0])];
          source.layer >= 0 && source.readers == 1)
        source.batch_norm = int(i);
  return std::move(nodes_);
}

}  // namespace gauntlet::models
