// Boundaries between classes, and their linear approximations. Croce & Hein, 2020, section 2.2,
// https://arxiv.org/abs/1907.02044
#pragma once
#include <vector>

#include "gauntlet/attack.h"
#include "hyperplane.h"

namespace gauntlet::fab {

/// z_k - z_y, and at most what keeps a detector quiet; k: of a row.
template <class ClassOf>
Loss gap(ClassOf k) {
  return [k](const Outputs& out, const Rows& rows) {
    const auto of = [&](const Tensor& label) {
      return out.logits.gather(1, label.unsqueeze(1)).squeeze(1);
    };
    const Tensor ahead = of(k(rows)) - of(rows.y);
    return out.reject.defined() ? torch::minimum(ahead, -out.reject) : ahead;
  };
}
/// To one class of each sample, [N].
inline Loss gap_to(const Tensor& label) {
  return gap([label](const Rows& rows) { return rows.of(label); });
}
/// To each wrong class.
inline std::vector<Loss> all_gaps(int64_t classes) {
  std::vector<Loss> gaps;
  for (int64_t j = 0; j + 1 < classes; ++j)
    gaps.push_back(gap([j](const Rows& rows) { return rows.y.le(j).to(torch::kLong) + j; }));
  return gaps;
}

/// value + <w, d> is 0 where the boundary is thought to be; [N, D] and [N], double.
struct Plane {
  Tensor w, value;
};

/// The nearest of the linearised boundaries. Gradient and value are scaled together: the size of
/// the logits does not matter.
inline Plane nearest(const Task& task, const std::vector<Gradient>& g, const Tensor& hit) {
  const Norm dual = task.threat.norm == Norm::kLinf ? Norm::kL1
                    : task.threat.norm == Norm::kL1 ? Norm::kLinf
                                                    : Norm::kL2;
  Tensor w = torch::zeros_like(g[0].x).flatten(1), value = torch::zeros_like(g[0].loss),
         least = torch::full_like(value, kInfinity);
  for (const Gradient& one : g) {
    // A loss from outside may have another level than 0: it rises until there is a hit.
    const Tensor size = one.loss.abs();
    const Tensor level = task.loss ? torch::where(hit, size, -size) : one.loss;
    const Tensor both = rescaled(torch::cat({one.x.flatten(1), level.unsqueeze(1)}, 1));
    const Tensor slope = both.slice(1, 0, -1), height = both.select(1, -1);
    const Tensor steep = length(slope, dual);
    const Tensor distance = (height.abs() / steep).masked_fill(steep == 0, kInfinity);
    const Tensor nearer = distance < least;
    w = torch::where(nearer.unsqueeze(1), slope, w);
    value = torch::where(nearer, height, value), least = torch::where(nearer, distance, least);
  }
  return {w.to(torch::kDouble), value.to(torch::kDouble)};
}

}  // namespace gauntlet::fab
