// Misbehaves: it queries until the host stops it.
#include "gauntlet/plugin.h"

namespace {
using namespace gauntlet;

struct SpendsBudget final : Attack {
  struct Params {
    void fields(auto&&) {}
  } p;

  AttackFacts facts() const override { return {.access = Access::kScore}; }

  Tensor run(Target& target, const Task& task) override {
    for (;;) target.losses(task.x, task.loss_or(margin));
  }
};
}  // namespace

GAUNTLET_ATTACK(SpendsBudget, "spends_budget", "1.0.0",
                "for tests: it queries until the host stops it");
