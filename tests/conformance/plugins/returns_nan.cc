// Misbehaves: one pixel of its answer is not a number.
#include "gauntlet/plugin.h"

namespace {
using namespace gauntlet;

struct ReturnsNan final : Attack {
  struct Params {
    void fields(auto&&) {}
  } p;

  AttackFacts facts() const override { return {.access = Access::kScore}; }

  Tensor run(Target& target, const Task& task) override {
    target.losses(task.x, task.loss_or(margin));
    Tensor x = task.x.clone();
    x.view({-1})[0] = std::numeric_limits<float>::quiet_NaN();
    return x;
  }
};
}  // namespace

GAUNTLET_ATTACK(ReturnsNan, "returns_nan", "1.0.0",
                "for tests: one pixel of its answer is not a number");
