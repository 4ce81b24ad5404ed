// Projected gradient descent. Madry et al., 2018, https://arxiv.org/abs/1706.06083
// With draws > 1 in the suite it is EPGD; with average = "probability" it is SmoothAdv, whose noise
// vectors stay the same with noise = "fixed".
#include "ascent.h"

namespace {
using namespace gauntlet;

struct Pgd final : Attack {
  using Params = pgd::Params;
  Params p;

  AttackFacts facts() const override {
    return {.access = Access::kGradient,
            .prefix_nested = p.step_size > 0 && p.step_decay == 1 && p.clamp_start,
            .norms = norms_with_steps()};
  }

  std::string unsupported(const ThreatModel&, const TargetFacts& facts, Goal goal) const override {
    if (p.translation > 0 && p.translation % 2 == 0)
      return "translation " + std::to_string(p.translation) +
             " is even, expected the odd side of a kernel, or 0";
    const bool too_few = facts.classes < (goal == Goal::kTargeted ? 4 : 3);
    return p.loss == "dlr" && too_few ? "dlr needs at least 3 classes, 4 if targeted" : "";
  }

  std::string remark(const ThreatModel& threat, const TargetFacts&, Goal) const override {
    if (p.steps == 0) return "0 steps: the target is never asked; random_noise is that control";
    if (!is_ball(threat.norm)) return "";  // no length crosses it
    return pgd::remark_on_steps(p, threat.epsilon.max().item<double>());
  }

  Tensor run(Target& target, const Task& task) override {
    const auto own = p.loss == "dlr" ? dlr : p.loss == "margin" ? margin : cross_entropy;
    pgd::Ascent ascent(p, target, task, task.loss_or(own));
    Tensor delta = first(task);
    if (p.clamp_start || p.steps == 0) delta = task.threat.project(task.x, delta);
    for (int64_t step = 0; step < p.steps; ++step) {
      const Tensor direction = task.threat.steepest(ascent.direction(task.x + delta, step));
      delta = task.threat.project(task.x, delta + ascent.length(step) * direction);
    }
    return task.x + delta;
  }

  Tensor first(const Task& task) const {
    Noise noise = task.noise.at(0);
    if (p.start == "uniform") return task.threat.random(task.x, noise);
    if (p.start == "gaussian") return 0.001 * noise.normal(task.x.sizes().slice(1));
    return torch::zeros_like(task.x);
  }
};
}  // namespace

GAUNTLET_ATTACK(Pgd, "pgd", "1.3.0", "projected gradient descent, all norms");
