// Lengths of rows that neither vanish nor overflow.
#pragma once
#include "gauntlet/threat.h"

namespace gauntlet {

/// Rows of a tensor t, and a power of two for each: t = rows * power.
struct Scaled {
  Tensor rows;
  Tensor power;  ///< [R, 1, ..., 1]
};

/// By the largest magnitude of each row. Powers of two round nothing, so that ordinary rows have
/// the very length and direction that they would have without this.
Scaled scaled(const Tensor& t);

/// Of rows whose squares and sums fit into floats, in a norm that has balls: [R, 1, ..., 1].
Tensor plain_length(const Tensor& rows, Norm kind);

/// delta, held to what keeps x + delta inside [low, high].
Tensor inside_box(const ThreatModel& threat, const Tensor& x, const Tensor& delta);

/// The width of the box, shaped [1, 1, 1, 1].
Tensor width_of_box(const ThreatModel& threat);

}  // namespace gauntlet
