/// @file
/// The ability to give a network's structure. Layers belong to the host, so that other plugins act
/// in them and batch norm folds.
#pragma once
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
  /// Each channel normalised by its statistics, scaled and shifted.
  virtual int batch_norm(int from, const std::string& name) = 0;
  /// max(value, 0), number by number.
  virtual int relu(int from) = 0;
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
};

/// A defense plugin with this is an architecture under its own name; its parameters are the
/// architecture's options. The last operation gives [classes].
struct GAUNTLET_API BuildsNetwork : Interface {
  /// Adds all operations of the network.
  virtual void build(NetworkBuilder&) = 0;
};

}  // namespace gauntlet
