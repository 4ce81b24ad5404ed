// Random noise of the threat's size: the control. What it breaks was broken without an attack.
#include "gauntlet/plugin.h"

namespace {
using namespace gauntlet;

struct RandomNoise final : Attack {
  struct Params {
    void fields(auto&&) {}
  } p;

  AttackFacts facts() const override { return {.access = Access::kNone, .norms = every_norm()}; }

  Tensor run(Target&, const Task& task) override {
    Noise noise = task.noise.at(0);
    return task.x + task.threat.project(task.x, task.threat.random(task.x, noise));
  }
};
}  // namespace

GAUNTLET_ATTACK(RandomNoise, "random_noise", "1.0.0", "one uniform draw from the ball");
