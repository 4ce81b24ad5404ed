// Misbehaves: it declares score access and asks for a gradient.
#include "gauntlet/plugin.h"

namespace {
using namespace gauntlet;

struct Oversteps final : Attack {
  struct Params {
    void fields(auto&&) {}
  } p;

  AttackFacts facts() const override { return {.access = Access::kScore}; }

  Tensor run(Target& target, const Task& task) override {
    return target.gradient(task.x, task.loss_or(cross_entropy)).x;
  }
};
}  // namespace

GAUNTLET_ATTACK(Oversteps, "oversteps", "1.0.0",
                "for tests: it declares score access and asks for a gradient");
