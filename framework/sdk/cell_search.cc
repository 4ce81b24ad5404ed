#include "sdk/cell_search.h"

#include <vector>

#include "sdk/or_one.h"

namespace gauntlet {
namespace {

Tensor held(const Tensor& value, const Tensor& from, const Tensor& to) {
  return torch::minimum(torch::maximum(value, from), to);
}

// The best point of the line `down`.
CellPoint best_on_line(const CellProducts& cell, const CellRange& range, const Tensor& down) {
  const auto quadratic = [&](const Tensor& c0, const Tensor& c1, const Tensor& c2) {
    return c0 + down * (c1 + down * c2);
  };
  const Tensor p = quadratic(cell.p00, 2 * cell.p01, cell.p11),
               q = quadratic(cell.q00, 2 * cell.q01, cell.q11),
               pq = quadratic(cell.c00, cell.c01 + cell.c10, cell.c11);
  const Tensor right = held(-pq / or_one(q), range.right_from, range.right_to);
  return {down, right, p + right * (2 * pq + right * q)};
}

Tensor square_at(const CellProducts& cell, const Tensor& a, const Tensor& b) {
  return cell.p00 + a * (2 * cell.p01 + a * cell.p11) +
         2 * b * (cell.c00 + a * (cell.c01 + cell.c10 + a * cell.c11)) +
         b * b * (cell.q00 + a * (2 * cell.q01 + a * cell.q11));
}

// A Gauss-Newton step from (a, b), held inside the range.
void gauss_newton_step(const CellProducts& cell, const CellRange& range, Tensor& a, Tensor& b) {
  constexpr double kDamping = 1e-9, kLeast = 1e-30;
  const Tensor both = a * b;
  // Of the slopes p1 + b q1 and q0 + a q1 with each other and with the difference.
  const Tensor aa = cell.p11 + b * (2 * cell.c11 + b * cell.q11),
               bb = cell.q00 + a * (2 * cell.q01 + a * cell.q11),
               ab = cell.c10 + a * cell.c11 + b * cell.q01 + both * cell.q11;
  const Tensor along_q1 = cell.c01 + a * cell.c11 + b * cell.q01 + both * cell.q11;
  const Tensor ra = cell.p01 + a * cell.p11 + b * cell.c10 + both * cell.c11 + b * along_q1,
               rb = cell.c00 + a * cell.c10 + b * cell.q00 + both * cell.q01 + a * along_q1;
  const Tensor more = kDamping * (aa + bb) + kLeast;
  const Tensor determinant = or_one((aa + more) * (bb + more) - ab * ab);
  const Tensor da = ((bb + more) * ra - ab * rb) / determinant,
               db = ((aa + more) * rb - ab * ra) / determinant;
  a = held(a - da, range.down_from, range.down_to);
  b = held(b - db, range.right_from, range.right_to);
}
}  // namespace

CellProducts products_of(const Tensor& a, const Tensor& b, const Tensor& c, const Tensor& d,
                         const Tensor& wanted, at::IntArrayRef over) {
  const Tensor p0 = a - wanted, p1 = c - a, q0 = b - a, q1 = a - b - c + d;
  const auto product = [&](const Tensor& one, const Tensor& two) { return (one * two).sum(over); };
  return {product(p0, p0), product(p0, p1), product(p1, p1), product(q0, q0), product(q0, q1),
          product(q1, q1), product(p0, q0), product(p0, q1), product(p1, q0), product(p1, q1)};
}

CellPoint nearer(const CellPoint& one, const CellPoint& other) {
  const Tensor better = other.square < one.square;
  return {torch::where(better, other.down, one.down), torch::where(better, other.right, one.right),
          torch::where(better, other.square, one.square)};
}

CellPoint nearest_in(const CellProducts& cell, const CellRange& range) {
  constexpr int kGrid = 16, kHalvings = 22;
  Tensor step = (range.down_to - range.down_from) / kGrid;
  CellPoint best = best_on_line(cell, range, range.down_from);
  for (int i = 1; i <= kGrid; ++i)
    best = nearer(best, best_on_line(cell, range, range.down_from + i * step));
  for (int i = 0; i < kHalvings; ++i) {
    step = step / 2;
    const Tensor middle = best.down;
    for (const double sign : {-1., 1.})
      best = nearer(best, best_on_line(cell, range,
                                       held(middle + sign * step, range.down_from, range.down_to)));
  }
  return best;
}

CellPoint nearest_from_many_starts(const CellProducts& cell, const CellRange& range) {
  constexpr int64_t kStarts = 6, kSteps = 16;
  // [kStarts * kStarts, ...]: all starts at once.
  std::vector<int64_t> shape(size_t(cell.p00.dim()) + 1, 1);
  shape[0] = kStarts * kStarts;
  const Tensor number = torch::arange(kStarts * kStarts, cell.p00.options()).view(shape);
  const auto at = [](const Tensor& from, const Tensor& to, const Tensor& line) {
    return from + (to - from) * (line + 0.5) / double(kStarts);
  };
  Tensor a = at(range.down_from, range.down_to, (number / double(kStarts)).floor()),
         b = at(range.right_from, range.right_to, number.remainder(double(kStarts)));
  for (int64_t k = 0; k < kSteps; ++k) gauss_newton_step(cell, range, a, b);
  const auto [square, best] = square_at(cell, a, b).min(0, /*keepdim=*/true);
  return {a.gather(0, best).squeeze(0), b.gather(0, best).squeeze(0), square.squeeze(0)};
}

}  // namespace gauntlet
