// Exact projections onto a hyperplane inside the box. Croce & Hein, 2020, appendix A,
// https://arxiv.org/abs/1907.02044
#pragma once
#include <limits>

#include "gauntlet/threat.h"

namespace gauntlet::fab {

inline Tensor zero_to_one(const Tensor& t) { return t.masked_fill(t == 0, 1); }

/// Up to the j-th, without it: [R, D].
inline Tensor sum_before(const Tensor& t) {
  return torch::constant_pad_nd(t.cumsum(1).slice(1, 0, -1), {1, 0});
}
/// From the j-th on: no difference of two sums, which would round what is small away.
inline Tensor sum_from(const Tensor& t) { return t.flip(1).cumsum(1).flip(1); }

/// Solves sum_i speed_i min(lambda, stop_i) = wanted by the order of the stops: [R, 1]. Infinite
/// where all coordinates at their stops do not suffice. speed, stop: [R, D]; wanted: [R, 1].
inline Tensor level(const Tensor& speed, const Tensor& stop, const Tensor& wanted) {
  const auto [at, order] = stop.sort(/*stable=*/true, 1, /*descending=*/false);
  const Tensor rate = speed.gather(1, order);
  const Tensor before = sum_before(rate * at), going = sum_from(rate);
  const Tensor short_of = before + at * going < wanted;
  const Tensor first = short_of.sum(1, /*keepdim=*/true);  // the sums do not fall
  const Tensor j = first.clamp_max(stop.size(1) - 1);
  const Tensor lambda = (wanted - before.gather(1, j)) / zero_to_one(going.gather(1, j));
  // Rounding must not push what has stopped on.
  const Tensor last = at.gather(1, (j - 1).clamp_min(0)).masked_fill(j == 0, 0);
  return torch::minimum(torch::maximum(lambda, last), at.gather(1, j))
      .masked_fill(first == stop.size(1), std::numeric_limits<double>::infinity());
}

/// How far each coordinate moves in L1: the steepest first, each to its end: [R, D].
inline Tensor steepest_first(const Tensor& size, const Tensor& room, const Tensor& wanted) {
  const auto [steep, order] = size.sort(/*stable=*/true, 1, /*descending=*/true);
  const Tensor end = room.gather(1, order);
  const Tensor left = (wanted - sum_before(steep * end)).clamp_min(0);
  const Tensor moved = torch::minimum(left / zero_to_one(steep), end).masked_fill(steep == 0, 0);
  return torch::zeros_like(size).scatter(1, order, moved);
}

/// The smallest d in this norm with <w, d> = missing and x + d in [low, high]; where no point of
/// the box reaches that, each coordinate goes to its end. Coordinates with w = 0 stay. x, w: [R, D]
/// double; missing: [R] double.
inline Tensor onto(const Tensor& x, const Tensor& w, const Tensor& missing,
                   const ThreatModel& box) {
  const Tensor wanted = missing.abs().unsqueeze(1), way = w.sign() * missing.sign().unsqueeze(1);
  const Tensor size = w.abs();
  const Tensor room =
      torch::where(way > 0, box.high - x, x - box.low).clamp_min(0).masked_fill(way == 0, 0);
  if (box.norm == Norm::kL1) return way * steepest_first(size, room, wanted);
  if (box.norm == Norm::kLinf) return way * torch::minimum(level(size, room, wanted), room);
  const Tensor lambda = level(size.square(), room / zero_to_one(size), wanted);
  return way * torch::where(size > 0, torch::minimum(lambda * zero_to_one(size), room), 0);
}

}  // namespace gauntlet::fab
