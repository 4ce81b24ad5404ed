// Projected gradient descent. Madry et al., 2018, https://arxiv.org/abs/1706.06083
// With draws > 1 in the suite it is EPGD; with average = "probability" it is SmoothAdv.
#include "gauntlet/plugin.h"

namespace {
using namespace gauntlet;

struct Pgd final : Attack {
  struct Params {
    int64_t steps = 10;
    double step_size = 2.0 / 255;
    std::string start = "uniform", loss = "cross_entropy";

    void fields(auto&& visit) {
      visit(steps, "steps", "gradient steps", Range{0, 10'000});
      visit(step_size, "step_size", "length of one step, in input units", Range{0, 1000});
      visit(start, "start", "uniform in the ball, gaussian with sd 0.001 (TRADES), or the input",
            OneOf{"uniform", "gaussian", "input"});
      visit(loss, "loss", "what is maximised, unless a trainer or the defense says",
            OneOf{"cross_entropy", "margin", "dlr"});
    }
  } p;

  AttackFacts facts() const override {
    return {.access = Access::kGradient, .prefix_nested = true};
  }

  std::string unsupported(const ThreatModel&, const TargetFacts& facts, Goal goal) const override {
    const bool too_few = facts.classes < (goal == Goal::kTargeted ? 4 : 3);
    return p.loss == "dlr" && too_few ? "dlr needs at least 3 classes, 4 if targeted" : "";
  }

  Tensor run(Target& target, const Task& task) override {
    const auto own = p.loss == "dlr" ? dlr : p.loss == "margin" ? margin : cross_entropy;
    const Loss loss = task.loss_or(own);
    Tensor delta = task.threat.project(task.x, first(task));
    for (int64_t step = 0; step < p.steps; ++step) {
      Tensor grad = target.gradient(task.x + delta, loss).x;
      if (task.threat.norm == Norm::kL1) grad = movable(grad, task.x + delta, task.threat);
      delta = task.threat.project(task.x, delta + p.step_size * task.threat.steepest(grad));
    }
    return task.x + delta;
  }

  // A step in L1 goes to a few coordinates: not to those that the box holds back.
  static Tensor movable(const Tensor& grad, const Tensor& x, const ThreatModel& t) {
    const Tensor held = ((grad > 0) & (x > t.high - 1e-6)) | ((grad < 0) & (x < t.low + 1e-6));
    return grad.masked_fill(held, 0);
  }

  Tensor first(const Task& task) const {
    Noise noise = task.noise.at(0);
    if (p.start == "uniform") return task.threat.random(task.x, noise);
    if (p.start == "gaussian") return 0.001 * noise.normal(task.x.sizes().slice(1));
    return torch::zeros_like(task.x);
  }
};
}  // namespace

GAUNTLET_ATTACK(Pgd, "pgd", "1.0.0", "projected gradient descent, all norms");
