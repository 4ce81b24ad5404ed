#include "gauntlet/losses.h"

#include <limits>
#include <stdexcept>

#include "sdk/or_one.h"

namespace gauntlet {
namespace {
Tensor pick(const Tensor& logits, const Tensor& label) {
  return logits.gather(1, label.unsqueeze(1)).squeeze(1);
}
Tensor best_other(const Tensor& logits, const Tensor& label) {
  const double lowest = -std::numeric_limits<float>::infinity();
  return std::get<0>(logits.scatter(1, label.unsqueeze(1), lowest).max(1));
}
// Of logits that are all alike nothing is a ratio; otherwise their scale does not matter.
double sign_of(Goal goal) { return goal == Goal::kUntargeted ? 1 : -1; }
const Tensor& label_of(Goal goal, const Rows& rows) {
  return goal == Goal::kTargeted ? rows.target : rows.y;
}
}  // namespace

Loss cross_entropy(Goal goal) {
  return [goal](const Outputs& out, const Rows& rows) {
    return sign_of(goal) *
           torch::cross_entropy_loss(out.logits, label_of(goal, rows), {}, at::Reduction::None);
  };
}

Loss margin(Goal goal) {
  return [goal](const Outputs& out, const Rows& rows) {
    const Tensor& label = label_of(goal, rows);
    const Tensor gap = sign_of(goal) * (best_other(out.logits, label) - pick(out.logits, label));
    return out.reject.defined() ? torch::minimum(gap, -out.reject) : gap;
  };
}

Loss dlr(Goal goal) {
  return [goal](const Outputs& out, const Rows& rows) {
    const int64_t least = goal == Goal::kTargeted ? 4 : 3;
    if (out.logits.size(1) < least)
      throw std::invalid_argument("dlr needs at least " + std::to_string(least) +
                                  " classes, the model has " + std::to_string(out.logits.size(1)));
    const Tensor sorted = std::get<0>(out.logits.sort(1, true)), top = sorted.select(1, 0);
    const Tensor y = pick(out.logits, rows.y);
    if (goal == Goal::kTargeted) {
      const Tensor scale = or_one(top - (sorted.select(1, 2) + sorted.select(1, 3)) / 2);
      return (pick(out.logits, rows.target) - y) / scale;
    }
    return sign_of(goal) * (best_other(out.logits, rows.y) - y) / or_one(top - sorted.select(1, 2));
  };
}

Tensor kl_divergence(const Tensor& p, const Tensor& logits) {
  return (p * ((p + 1e-12).log() - logits.log_softmax(1))).sum(1);
}

Tensor soft_cross_entropy(const Tensor& p, const Tensor& logits) {
  return -(p * logits.log_softmax(1)).sum(1);
}

}  // namespace gauntlet
