// Exact projections onto a hyperplane inside the box. Croce & Hein, 2020, appendix A,
// https://arxiv.org/abs/1907.02044
#pragma once
#include <limits>

#include "gauntlet/threat.h"

namespace gauntlet::fab {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

inline Tensor zero_to_one(const Tensor& t) { return t.masked_fill(t == 0, 1); }

/// Solves sum_i speed_i min(lambda, stop_i) = wanted: [R, 1]. Infinite where all coordinates at
/// their stops do not suffice. speed, stop: [R, D]; wanted: [R, 1]. The sum is concave in lambda:
/// Newton's steps from 0 never pass the solution, and end once a step stops nobody: a few passes
/// over the coordinates, where sorting them would cost a fifth of the network's gradient.
inline Tensor level(const Tensor& speed, const Tensor& stop, const Tensor& wanted) {
  const Tensor whole = speed * stop;
  Tensor lambda = torch::zeros_like(wanted), going = stop > lambda;
  while (true) {
    const Tensor rate = torch::where(going, speed, 0).sum(1, /*keepdim=*/true);
    const Tensor had = torch::where(going, 0, whole).sum(1, /*keepdim=*/true);
    const Tensor step = ((wanted - had) / rate).masked_fill(rate == 0, kInfinity);
    lambda = torch::maximum(lambda, step);  // rounding must not push what has stopped on
    const Tensor now = stop > lambda;
    if (torch::equal(now, going)) return lambda;
    going = now;
  }
}

/// How far each coordinate moves in L1: the steepest first, each to its end: [R, D].
inline Tensor steepest_first(const Tensor& size, const Tensor& room, const Tensor& wanted) {
  const auto [steep, order] = size.sort(/*stable=*/true, 1, /*descending=*/true);
  const Tensor end = room.gather(1, order);
  const Tensor before = torch::constant_pad_nd((steep * end).cumsum(1).slice(1, 0, -1), {1, 0});
  const Tensor left = (wanted - before).clamp_min(0);
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
