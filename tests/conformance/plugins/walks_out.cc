// Misbehaves: steps without a projection. Four of them end inside the ball, ten do not.
#include "gauntlet/plugin.h"

namespace {
using namespace gauntlet;

struct WalksOut final : Attack {
  struct Params {
    int64_t steps = 10;
    double step_size = 0.25;

    void fields(auto&& visit) {
      visit(steps, "steps", "gradient steps", Range{1, 10'000});
      visit(step_size, "step_size", "first step, as a part of epsilon", Range{0, 2});
    }
  } p;

  AttackFacts facts() const override { return {.access = Access::kGradient}; }

  Tensor run(Target& target, const Task& task) override {
    Tensor x = task.x;
    for (int64_t step = 0; step < p.steps; ++step) {
      const Tensor gradient = target.gradient(x, task.loss_or(cross_entropy)).x;
      const double part = p.step_size * (1 - double(step) / double(p.steps));
      x = (x + part * task.threat.epsilon * task.threat.steepest(gradient)).clamp(0, 1);
    }
    return x;
  }
};
}  // namespace

GAUNTLET_ATTACK(WalksOut, "walks_out", "1.0.0", "for tests: steps without a projection");
