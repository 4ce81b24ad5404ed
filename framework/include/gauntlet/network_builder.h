/// @file
/// The ability to give a network's structure. Layers belong to the host, so that other plugins act
/// in them and batch norm folds.
#pragma once
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "gauntlet/types.h"

namespace gauntlet {

/// Operations in the order they run. Each reads the value of an earlier one and gives the number of
/// its own. Tensors are named "<name>.weight", … as in PyTorch. All throw BadInput for shapes that
/// do not fit.
struct GAUNTLET_API NetworkBuilder : Interface {
  /// [C, H, W], normalised by the model's mean and std.
  virtual int input() const = 0;
  /// Of the data set.
  virtual int64_t classes() const = 0;
  /// Of a value, without the batch.
  virtual std::vector<int64_t> shape(int value) const = 0;

  /// A square convolution.
  struct Conv {
    int64_t out = 0,    ///< channels it gives
        kernel = 3,     ///< side, in pixels
        stride = 1,     ///< pixels from one place to the next
        padding = 0;    ///< zeros on each side, in pixels
    bool bias = false;  ///< adds a trained number to each channel
  };
  /// [C, H, W] -> [out, H', W'], H' = (H + 2 padding - kernel) / stride + 1, rounded down.
  virtual int conv(int from, const std::string& name, const Conv& conv) = 0;
  /// [in] -> [out]: put flatten() before it.
  virtual int linear(int from, const std::string& name, int64_t out, bool bias = true) = 0;
  /// Each channel normalised by its statistics, scaled and shifted. There are as many branches of
  /// it as the network's option batchnorm_branches says.
  virtual int batch_norm(int from, const std::string& name) = 0;
  /// Channels in `groups` equal groups, each normalised by the image's own statistics, then scaled
  /// and shifted channel by channel. Wu & He, 2018, https://arxiv.org/abs/1803.08494
  virtual int group_norm(int from, const std::string& name, int64_t groups) = 0;
  /// max(value, 0), number by number: an activation, which layer plugins may replace.
  virtual int relu(int from) = 0;
  /// v above 0, negative_slope * v below: torch::leaky_relu. An activation, too. The slope is any
  /// finite number.
  virtual int leaky_relu(int from, double negative_slope = 0.01) = 0;
  /// Activations without a kink, number by number; layer plugins may replace them, too.
  enum class Smooth {
    kSilu,      ///< v * sigmoid(v)
    kSoftplus,  ///< log(1 + exp(v))
    kGelu,      ///< v * Phi(v), Phi of the normal distribution
    kElu,       ///< v above 0, exp(v) - 1 below
    kTanh,      ///< tanh(v)
    kSigmoid    ///< 1 / (1 + exp(-v))
  };
  /// That activation of each number.
  virtual int smooth(int from, Smooth which) = 0;
  /// The largest of each window. Windows reach `padding` pixels beyond the border, at most half of
  /// the kernel; nothing counts there.
  virtual int max_pool(int from, int64_t kernel, int64_t stride, int64_t padding = 0) = 0;
  /// The mean of each window.
  virtual int avg_pool(int from, int64_t kernel, int64_t stride) = 0;
  virtual int global_avg_pool(int from) = 0;  ///< [C, H, W] -> [C, 1, 1]
  virtual int flatten(int from) = 0;          ///< any shape -> [number of its entries]
  /// The sum of two values of one shape.
  virtual int add(int a, int b) = 0;
  /// Side by side along channels; the other sizes are equal.
  virtual int concat(int a, int b) = 0;
  /// The product, number by number, of two values of one shape, or of [C, H, W] and [C, 1, 1].
  virtual int mul(int a, int b) = 0;
  /// Each number times a constant.
  virtual int scale(int from, double factor) = 0;
  /// [n, k] and [k, m] -> [n, m].
  virtual int matmul(int a, int b) = 0;
  /// [n, m] -> [m, n].
  virtual int transpose(int from) = 0;
  /// The same numbers in another shape.
  virtual int reshape(int from, const std::vector<int64_t>& shape) = 0;
  /// Along the last size: positive, and of sum 1.
  virtual int softmax(int from) = 0;
  /// The median of the window around each pixel, of an odd side; beyond the border stand the pixels
  /// next to it, mirrored.
  virtual int median_filter(int from, int64_t kernel) = 0;
  /// [C, H, W] -> [C, factor H, factor W]: each pixel repeated, or linear between pixels' centres.
  virtual int upsample(int from, int64_t factor, bool linear = false) = 0;

  /// An operation of the plugin's own.
  struct Custom {
    using Tensors = std::map<std::string, Tensor>;  ///< by name
    std::vector<int64_t> shape;                     ///< of what it gives, without the batch
    /// What is trained in it, by name, with the values it starts from; "<name>.<key>" in files.
    Tensors parameters = {};
    /// Values [R, ...], as many as are read, and the parameters as they are now -> [R, shape...];
    /// all float32. Rows do not know of each other. Gradients flow through; it may differentiate
    /// inside (torch::autograd::grad with create_graph), in evaluation, too.
    std::function<Tensor(const std::vector<Tensor>& values, const Tensors& parameters)> function;
  };
  /// What it makes of these values. `name`: of its tensors in files, and of none other's.
  virtual int custom(const std::vector<int>& from, const std::string& name,
                     const Custom& custom) = 0;

  /// Names a value, so that attacks and defenses may ask for it: Outputs::heads. Not that of a
  /// layer which batch norm alone reads, since it need not be computed. Where the last operation is
  /// a linear layer, what it reads is called "penultimate" unless it has a name.
  virtual void feature(int value, const std::string& name) = 0;
};

/// A defense plugin with this is an architecture under its own name; its parameters are the
/// architecture's options. The last operation gives [classes].
struct GAUNTLET_API BuildsNetwork : Interface {
  /// Adds all operations of the network.
  virtual void build(NetworkBuilder&) = 0;
};

}  // namespace gauntlet
