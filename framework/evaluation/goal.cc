#include "evaluation/goal.h"

#include "evaluation/defended_model.h"

namespace gauntlet::evaluation {

Tensor reached(Goal goal, const Tensor& answer, const Rows& rows) {
  switch (goal) {
    case Goal::kTargeted:
      return answer == rows.target;
    case Goal::kHypocritical:
      return answer == rows.y;
    case Goal::kUntargeted:
      break;
  }
  return (answer != rows.y) & (answer != DefendedModel::kRefused);
}

Tensor random_targets(uint64_t seed, const Tensor& index, const Tensor& y, int64_t classes) {
  Noise noise = noise_for(seed, Stream::kTarget, index);
  const Tensor u = noise.uniform({1}).view(-1);
  const Tensor step = 1 + (u * double(classes - 1)).floor().to(torch::kLong).clamp_max(classes - 2);
  return (y + step).remainder(classes);
}

}  // namespace gauntlet::evaluation
