// A network as a list of operations in the order they run. Architectures are functions that add
// operations; shapes are inferred as they do.
#pragma once
#include <string>
#include <vector>

#include "gauntlet/network_builder.h"

namespace gauntlet::models {

/// PyTorch's defaults. What a state dict does not hold: networks ported from Keras and TensorFlow
/// have 1e-3 as epsilon.
struct BatchNormOptions {
  double eps = 1e-5;      ///< added to the variance
  double momentum = 0.1;  ///< the share of a batch in the running statistics; in training
};

/// What a batch norm learns and keeps, of one branch.
struct NormBranch {
  Tensor weight, bias;    ///< gamma, beta
  Tensor mean, variance;  ///< running statistics
};

/// One operation and the value it gives; values are named by the index of their node.
struct Node {
  enum class Op {
    kInput,
    kNormalise,
    kConv,
    kLinear,
    kBatchNorm,
    kGroupNorm,
    kRelu,
    kSmooth,
    kMaxPool,
    kAvgPool,
    kGlobalAvgPool,
    kFlatten,
    kAdd,
    kConcat,
    kMul,
    kScale,
    kMatmul,
    kTranspose,
    kReshape,
    kSoftmax,
    kMedianFilter,
    kUpsample,
    kSubsamplePad,
    kCustom
  };
  Op op = Op::kInput;
  std::string name;            ///< prefix of its tensors; empty where it has none
  std::vector<int> inputs;     ///< values it reads
  std::vector<int64_t> shape;  ///< of its value, without the batch
  std::string feature;         ///< what others call its value; empty: it has no name
  int64_t kernel = 1, stride = 1, padding = 0;
  int64_t padding_end = 0;  ///< conv: further zeros at the right and at the bottom
  double slope = 0;         ///< relu: below 0
  int64_t groups = 1;       ///< group norm
  double factor = 1;        ///< scale
  bool linear = true;       ///< upsample: between pixels
  NetworkBuilder::Smooth smooth = NetworkBuilder::Smooth::kSilu;
  NetworkBuilder::Custom custom;  ///< of the plugin's own; its parameters are the network's
  int layer = -1;                 ///< index among convolutions and linear layers
  int activation = -1;            ///< index among activations
  Tensor weight, bias;            ///< batch norm: gamma, beta
  Tensor mean, variance;          ///< batch norm: running statistics; normalisation: mean, std
  int batch_norm = -1;            ///< conv, linear: the batch norm that alone reads the value
  BatchNormOptions norm_options;
  std::vector<NormBranch> branches;  ///< batch norm: those beside branch 0, which is the above
  int readers = 0;                   ///< how many nodes read the value
  std::vector<int> drops;            ///< values nobody reads after this node
};

/// Upper limit of channels, features, kernels and strides; larger values are typing errors.
constexpr int64_t kLargestSize = 65536;

struct ConvOptions {
  int64_t out = 0, kernel = 0, stride = 1, padding = 0;
  bool bias = true;
  /// Zeros at the right and at the bottom beyond `padding`: 1 is what TensorFlow's "SAME" gives a
  /// kernel of 3 with stride 2 on sizes that are even.
  int64_t padding_end = 0;
};

/// Every function adds an operation that reads the value `from` and returns the index of its own.
/// Throws BadInput for shapes that do not fit and sizes that are none.
class Graph {
 public:
  explicit Graph(const std::vector<int64_t>& input);

  int normalise(int from, const std::vector<double>& mean, const std::vector<double>& std);
  int conv(int from, const std::string& name, const ConvOptions& options);
  int linear(int from, const std::string& name, int64_t out, bool bias = true);
  int batch_norm(int from, const std::string& name, const BatchNormOptions& options);
  /// With the options of the whole network.
  int batch_norm(int from, const std::string& name) { return batch_norm(from, name, norm_); }
  /// Of the batch norms that are added from here on and say nothing of their own.
  void set_batch_norm(const BatchNormOptions& options) { norm_ = options; }
  const BatchNormOptions& batch_norm_options() const { return norm_; }
  /// Branches of all batch norms that are added from here on; 1 or more.
  void set_batch_norm_branches(int64_t count) { norm_branches_ = count; }
  int group_norm(int from, const std::string& name, int64_t groups);
  int relu(int from);
  /// v above 0, slope * v below; the slope is finite.
  int leaky_relu(int from, double slope);
  int smooth(int from, NetworkBuilder::Smooth which);
  int max_pool(int from, int64_t kernel, int64_t stride, int64_t padding = 0);
  int avg_pool(int from, int64_t kernel, int64_t stride);
  int global_avg_pool(int from);
  int flatten(int from);
  int add(int a, int b);
  /// Along channels.
  int concat(int a, int b);
  /// Every `stride`-th pixel, zero channels around up to `channels` (shortcut A of He et al.,
  /// 2016).
  int subsample_pad(int from, int64_t channels, int64_t stride);
  int mul(int a, int b);
  int scale(int from, double factor);
  int matmul(int a, int b);
  int transpose(int from);
  int reshape(int from, const std::vector<int64_t>& shape);
  int softmax(int from);
  int median_filter(int from, int64_t kernel);
  int upsample(int from, int64_t factor, bool linear);
  int custom(const std::vector<int>& from, const std::string& name,
             const NetworkBuilder::Custom& custom);
  void feature(int value, const std::string& name);

  int size() const { return int(nodes_.size()); }
  const std::vector<int64_t>& shape(int value) const { return nodes_[size_t(value)].shape; }
  /// The nodes with readers, drops and batch_norm filled in; the last one gives the network's
  /// value. Throws BadInput for a feature that has no value of its own.
  std::vector<Node> finish() &&;

 private:
  int push(Node node);
  Node reading(Node::Op op, int from) const;
  void expect_image(int from, const std::string& what) const;
  int pool(Node::Op op, int from, int64_t kernel, int64_t stride, int64_t padding);
  void unique(const std::string& name);
  int activate(Node node);
  void name_penultimate();

  std::vector<Node> nodes_;
  std::vector<std::string> names_, features_;
  BatchNormOptions norm_;
  int64_t norm_branches_ = 1;
  int layers_ = 0, activations_ = 0;
};

}  // namespace gauntlet::models
