// The nearest value of a bilinear patch: between four values A (above left), B (above right), C
// (below left) and D, of one pixel or of whole images.
#pragma once
#include "gauntlet/types.h"

namespace gauntlet {

/// Inner products that say how far the patch is from what is wanted, W, at every point of it: a
/// parts downwards and b parts to the right the difference is p0 + a p1 + b (q0 + a q1), with
/// p0 = A - W, p1 = C - A, q0 = B - A, q1 = A - B - C + D. All tensors are double, of one shape.
struct CellProducts {
  Tensor p00, p01, p11, q00, q01, q11, c00, c01, c10, c11;  ///< cIJ: of pI and qJ
};

/// Products summed over the dimensions `over` of double tensors of one shape.
CellProducts products_of(const Tensor& a, const Tensor& b, const Tensor& c, const Tensor& d,
                         const Tensor& wanted, at::IntArrayRef over);

/// The part of a cell that may be searched: rows of the products, from 0 to 1.
struct CellRange {
  Tensor down_from, down_to, right_from, right_to;
};

/// A point of the patch, and the square of its distance.
struct CellPoint {
  Tensor down, right, square;
};

/// For each of these, the nearer one.
CellPoint nearer(const CellPoint& one, const CellPoint& other);

/// The nearest point, to some 1e-8: for each `down` the best `right` has a closed form; `down` is
/// searched on a grid and by halved steps. It misses one in a hundred random patches of three
/// channels, where there are several hollows.
CellPoint nearest_in(const CellProducts& cell, const CellRange& range);
/// The same by Gauss-Newton steps from a grid of starts: it misses fewer than one in a million
/// where nearest_in() does not find them, at ten times the cost.
CellPoint nearest_from_many_starts(const CellProducts& cell, const CellRange& range);

}  // namespace gauntlet
