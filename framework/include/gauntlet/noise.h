/// @file
/// Counter-based randomness (Philox4x32-10, Salmon et al., 2011): a value depends on the seed, the
/// stream, the layer, the sample's index in the data set, the copy of it, the step, the draw and on
/// how often this object was asked before, and on nothing else: not on batch size or the order of
/// rows.
#pragma once
#include "gauntlet/types.h"

namespace gauntlet {

/// A source of noise for R rows. A copy starts where the original stands; every call gives new
/// values.
class GAUNTLET_API Noise {
 public:
  /// Standard normals [R, row_shape...], each row its own.
  Tensor normal(at::IntArrayRef row_shape);
  /// Uniforms in [0, 1), [R, row_shape...], each row its own.
  Tensor uniform(at::IntArrayRef row_shape);
  /// Standard normals of this shape, one draw for the whole batch (weight noise).
  Tensor shared_normal(at::IntArrayRef shape);

  /// The same source at a step and draw, from its first call on. Take it once a step and draw from
  /// that copy. 0 <= step < 2^23, 0 <= draw < 2^20.
  Noise at(int64_t step, int64_t draw = 0) const;
  /// For the R rows of a query; sample: [R] indices of this source's rows. Copies of one sample get
  /// different values, the first of them the sample's own.
  Noise rows(const Tensor& sample) const;

  /// Where the source stands. Filled by the host.
  struct Key {
    uint64_t seed = 0;   ///< of (seed, stream, restart)
    uint32_t layer = 0,  ///< which layer or wrapper draws
        call = 0;        ///< how often this object was asked since at()
    bool off = false;    ///< normals are 0, uniforms 1/2
    Tensor id;           ///< [R] int64, index in the data set
    Tensor place;        ///< [R] int64, step << 40 | draw << 20 | copy
    int64_t shared = 0;  ///< step << 40 | draw << 20 of shared draws
  } key;                 ///< of this source
};

}  // namespace gauntlet
