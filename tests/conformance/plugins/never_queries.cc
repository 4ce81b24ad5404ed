// Misbehaves: it asks for scores and never uses them.
#include "gauntlet/plugin.h"

namespace {
using namespace gauntlet;

struct NeverQueries final : Attack {
  struct Params {
    void fields(auto&&) {}
  } p;

  AttackFacts facts() const override { return {.access = Access::kScore}; }

  Tensor run(Target& target, const Task& task) override { return task.x.clone(); }
};
}  // namespace

GAUNTLET_ATTACK(NeverQueries, "never_queries", "1.0.0",
                "for tests: it asks for scores and never uses them");
