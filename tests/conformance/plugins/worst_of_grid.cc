// The worst of a grid of rotations or of translations, by scores. Engstrom et al., 2019,
// https://arxiv.org/abs/1712.02779
#include <limits>

#include "gauntlet/plugin.h"
#include "gauntlet/spatial.h"

namespace {
using namespace gauntlet;

struct WorstOfGrid final : Attack {
  struct Params {
    int64_t points = 5;

    void fields(auto&& visit) {
      visit(points, "points", "of the grid: angles, or shifts in each direction", Range{1, 1000});
    }
  } p;

  AttackFacts facts() const override {
    return {.access = Access::kScore, .norms = {Norm::kRotation, Norm::kTranslation}};
  }

  Tensor run(Target& target, const Task& task) override {
    const Loss loss = task.loss_or(margin);
    Tensor best = task.x, value = task.full(-std::numeric_limits<float>::infinity());
    const auto consider = [&](const Tensor& x) {
      const Tensor now = target.losses(x, loss);
      const Tensor better = (now > value) & target.active();  // out of budget, the loss is 0
      best = torch::where(per_image(better), x, best);
      value = torch::where(better, now, value);
      target.propose(best);
    };
    const Tensor limit = task.threat.epsilon.view(-1).expand({task.x.size(0)});
    for (int64_t i = 0; i < p.points; ++i) {
      if (task.threat.norm == Norm::kRotation) {
        consider(rotated(task.x, share(i) * limit));
        continue;
      }
      for (int64_t j = 0; j < p.points; ++j)
        consider(translated(task.x, torch::stack({share(i) * limit, share(j) * limit}, 1)));
    }
    return best;
  }

  // From -1 to 1.
  double share(int64_t i) const {
    return p.points == 1 ? 0 : 2 * double(i) / double(p.points - 1) - 1;
  }
};
}  // namespace

GAUNTLET_ATTACK(WorstOfGrid, "worst_of_grid", "1.0.0", "the worst of a grid of transformations");
