/// @file
/// Threat models: which perturbations count, and the geometry attacks with a fixed epsilon need.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gauntlet/noise.h"

namespace gauntlet {

/// What an attack may do to an image, and so how the size of what it did is measured: the number
/// that epsilon limits. A pixel is changed with all its channels, by more than 1e-6 in one of them.
enum class Norm {
  kLinf,         ///< the largest absolute value
  kL2,           ///< the root of the sum of squares
  kL1,           ///< the sum of absolute values
  kL0,           ///< changed pixels
  kPatch,        ///< side, in pixels, of the smallest square that holds all changed pixels
  kRotation,     ///< degrees that rotated() turns the image by, either way
  kTranslation,  ///< pixels that translated() moves it by, in each direction
  kFlow,         ///< most pixels that flowed() displaces a pixel by, in each direction
  kUnbounded     ///< the largest absolute value; the box alone limits it, whatever epsilon is
};

/// The words for them in files, in the order in which messages list them.
inline constexpr std::pair<std::string_view, Norm> kNormNames[] = {
    {"linf", Norm::kLinf},
    {"l2", Norm::kL2},
    {"l1", Norm::kL1},
    {"l0", Norm::kL0},
    {"patch", Norm::kPatch},
    {"rotation", Norm::kRotation},
    {"translation", Norm::kTranslation},
    {"flow", Norm::kFlow},
    {"unbounded", Norm::kUnbounded}};
/// The word for one. Throws std::invalid_argument for a value that is none of them.
GAUNTLET_API std::string name_of(Norm norm);
/// All of them, in that order.
GAUNTLET_API std::vector<Norm> every_norm();
/// Those with steps in pixels, which ThreatModel::steepest() gives: all but rotation, translation
/// and flow.
GAUNTLET_API std::vector<Norm> norms_with_steps();
/// Whether epsilon is the radius of a ball in input units, and steps are lengths in it: Linf, L2,
/// L1.
GAUNTLET_API bool is_ball(Norm norm);

/// Geometry of rows [R, ...] that does not depend on their scale: it holds from the smallest float
/// to the largest, and only exact zeros are without a direction. In a direction an infinite entry
/// counts as the largest float; NaN stays NaN.
///
/// Each row times a power of two of its own, so that sums and squares neither vanish nor overflow.
/// Lengths of different rows cannot be compared any more.
GAUNTLET_API Tensor rescaled(const Tensor& rows);
/// Length of each row, in a norm that has balls: [R].
GAUNTLET_API Tensor length(const Tensor& rows, Norm norm = Norm::kL2);
/// Rows of length 1, in a norm that has balls; rows of zeros stay zeros.
GAUNTLET_API Tensor unit(const Tensor& rows, Norm norm = Norm::kL2);

/// What an attack may make of each input: a ball around it, or another set of images that epsilon
/// limits, intersected with the box [low, high]. Plain data: attacks that use the functions never
/// switch on the norm. All tensors are [R, C, H, W] where epsilon is [1, 1, 1, 1], or has a row
/// each. Whether an image lies inside is told from it and the clean one alone.
struct GAUNTLET_API ThreatModel {
  Norm norm = Norm::kLinf;  ///< what is measured
  Tensor epsilon;           ///< [1, 1, 1, 1], or one per sample: [N, 1, 1, 1]; in the norm's unit
  double low = 0,           ///< least value of a pixel
      high = 1;             ///< largest value of a pixel

  /// delta, uniform in the ball, which may leave the box. L0 and patch: pixels at a uniform place,
  /// with uniform values of the box; spatial ones: a uniform angle, shift or flow.
  Tensor random(const Tensor& x, Noise& noise) const;
  /// The step of unit length that raises a linear loss most, whatever the gradient's scale; 0 where
  /// the gradient is exactly 0. L1: the largest 5 % of the coordinates share the step. L0: the sign
  /// in the epsilon pixels with the largest sum of absolute values over channels; patch: the sign
  /// in the square with the largest sum; unbounded: the sign. Throws std::logic_error for rotation,
  /// translation and flow, which have no step in pixels: see gauntlet/spatial.h.
  Tensor steepest(const Tensor& gradient) const;
  /// What lengths of steps along steepest() go with, input units: epsilon of a ball, else the width
  /// of the box. Shaped like epsilon, or [1, 1, 1, 1].
  Tensor reach() const;
  /// Which coordinates the box keeps from following the gradient at x: [R, C, H, W] bool. An L1
  /// step goes to a few coordinates, and is lost on these.
  Tensor held_by_box(const Tensor& x, const Tensor& gradient) const;
  /// The delta inside threat and box nearest to the given one (L2: ball first, then box). L0: the
  /// pixels that bring it nearest are kept; patch: the square that does. Rotation, translation and
  /// flow: the nearest image found by search; one that is contained stays as it is.
  Tensor project(const Tensor& x, const Tensor& delta) const;
  /// The size of other - x in this norm: [R]. Rotation, translation and flow: of the image inside
  /// the threat that is other up to 1e-4 in every pixel; infinite where there is none.
  Tensor distance(const Tensor& x, const Tensor& other) const;
  /// How far distance may lie above epsilon through rounding, shaped like epsilon.
  Tensor slack() const;
  /// The largest distance that counts as inside, epsilon and slack: [R], or [1] for all rows.
  Tensor limit() const;
  /// Whether other is finite, inside the box and inside the threat around x, up to rounding: [R]
  /// bool.
  Tensor contains(const Tensor& x, const Tensor& other) const;
  /// The same, where its distance from x is known: [R].
  Tensor contains_at(const Tensor& distance, const Tensor& other) const;
  /// The same threat for the R rows of a query; sample: [R].
  ThreatModel rows(const Tensor& sample) const;
};

}  // namespace gauntlet
