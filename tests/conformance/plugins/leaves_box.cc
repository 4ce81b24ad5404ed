// Misbehaves: inside the ball and outside of the box.
#include "gauntlet/plugin.h"

namespace {
using namespace gauntlet;

struct LeavesBox final : Attack {
  struct Params {
    void fields(auto&&) {}
  } p;

  AttackFacts facts() const override { return {.access = Access::kScore}; }

  Tensor run(Target& target, const Task& task) override {
    target.losses(task.x, task.loss_or(margin));
    return task.x + task.threat.epsilon * torch::where(task.x < 0.5, -1.0, 1.0);
  }
};
}  // namespace

GAUNTLET_ATTACK(LeavesBox, "leaves_box", "1.0.0",
                "for tests: inside the ball and outside of the box");
