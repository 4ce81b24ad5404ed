/// @file
/// Threat models: which perturbations count, and the geometry attacks with a fixed epsilon need.
#pragma once
#include "gauntlet/noise.h"

namespace gauntlet {

/// How the size of a perturbation is measured.
enum class Norm {
  kLinf,  ///< the largest absolute value
  kL2,    ///< the root of the sum of squares
  kL1     ///< the sum of absolute values
};

/// Geometry of rows [R, ...] that does not depend on their scale: it holds from the smallest float
/// to the largest, and only exact zeros are without a direction. In a direction an infinite entry
/// counts as the largest float; NaN stays NaN.
///
/// Each row times a power of two of its own, so that sums and squares neither vanish nor overflow.
/// Lengths of different rows cannot be compared any more.
GAUNTLET_API Tensor rescaled(const Tensor& rows);
/// Length of each row: [R].
GAUNTLET_API Tensor length(const Tensor& rows, Norm norm = Norm::kL2);
/// Rows of length 1; rows of zeros stay zeros.
GAUNTLET_API Tensor unit(const Tensor& rows, Norm norm = Norm::kL2);

/// A ball around each input intersected with the box [low, high]. Plain data: attacks that use the
/// functions never switch on the norm. All tensors are [R, C, H, W] where epsilon is [1, 1, 1, 1],
/// or has a row each.
struct GAUNTLET_API ThreatModel {
  Norm norm = Norm::kLinf;  ///< of the ball
  Tensor epsilon;           ///< [1, 1, 1, 1], or one per sample: [N, 1, 1, 1]; input units
  double low = 0,           ///< least value of a pixel
      high = 1;             ///< largest value of a pixel

  /// delta, uniform in the ball; may leave the box.
  Tensor random(const Tensor& x, Noise& noise) const;
  /// The step of unit length that raises a linear loss most, whatever the gradient's scale; 0 where
  /// the gradient is exactly 0. L1: the largest 5 % of the coordinates share the step.
  Tensor steepest(const Tensor& gradient) const;
  /// Which coordinates the box keeps from following the gradient at x: [R, C, H, W] bool. An L1
  /// step goes to a few coordinates, and is lost on these.
  Tensor held_by_box(const Tensor& x, const Tensor& gradient) const;
  /// The delta inside ball and box nearest to the given one (L2: ball first, then box).
  Tensor project(const Tensor& x, const Tensor& delta) const;
  /// Length of other - x in this norm: [R].
  Tensor distance(const Tensor& x, const Tensor& other) const;
  /// The same threat for the R rows of a query; sample: [R].
  ThreatModel rows(const Tensor& sample) const;
};

}  // namespace gauntlet
