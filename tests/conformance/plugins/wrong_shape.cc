// Misbehaves: it answers for one sample too few.
#include "gauntlet/plugin.h"

namespace {
using namespace gauntlet;

struct WrongShape final : Attack {
  struct Params {
    void fields(auto&&) {}
  } p;

  AttackFacts facts() const override { return {.access = Access::kScore}; }

  Tensor run(Target& target, const Task& task) override {
    target.losses(task.x, task.loss_or(margin));
    return task.x.slice(0, 1);
  }
};
}  // namespace

GAUNTLET_ATTACK(WrongShape, "wrong_shape", "1.0.0", "for tests: it answers for one sample too few");
