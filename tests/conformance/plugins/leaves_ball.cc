// Misbehaves: its last sample leaves the ball by half of epsilon.
#include "gauntlet/plugin.h"

namespace {
using namespace gauntlet;

struct LeavesBall final : Attack {
  struct Params {
    void fields(auto&&) {}
  } p;

  AttackFacts facts() const override { return {.access = Access::kGradient}; }

  Tensor run(Target& target, const Task& task) override {
    const Tensor grad = target.gradient(task.x, task.loss_or(cross_entropy)).x;
    const Tensor step = task.threat.epsilon * task.threat.steepest(grad);
    const Tensor x = task.x + task.threat.project(task.x, step);
    // Towards the far side of the box, so that the box cannot bring it back into the ball.
    const Tensor away = torch::where(task.x < 0.5, 1.5, -1.5) * task.threat.epsilon;
    return torch::cat({x.slice(0, 0, -1), (task.x + away).slice(0, -1)});
  }
};
}  // namespace

GAUNTLET_ATTACK(LeavesBall, "leaves_ball", "1.0.0",
                "for tests: its last sample leaves the ball by half of epsilon");
