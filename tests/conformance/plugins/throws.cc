// Misbehaves: it throws in the middle of its work.
#include "gauntlet/plugin.h"

namespace {
using namespace gauntlet;

struct Throws final : Attack {
  struct Params {
    void fields(auto&&) {}
  } p;

  AttackFacts facts() const override { return {.access = Access::kScore}; }

  Tensor run(Target& target, const Task& task) override {
    target.losses(task.x, task.loss_or(margin));
    throw std::runtime_error("the attack gave up");
  }
};
}  // namespace

GAUNTLET_ATTACK(Throws, "throws", "1.0.0", "for tests: it throws in the middle of its work");
