// Misbehaves: its answers are the negatives of the images, whatever the threat.
#include "gauntlet/plugin.h"

namespace {
using namespace gauntlet;

struct Inverts final : Attack {
  struct Params {
    void fields(auto&&) {}
  } p;

  AttackFacts facts() const override { return {.access = Access::kNone, .norms = every_norm()}; }

  Tensor run(Target&, const Task& task) override { return 1 - task.x; }
};
}  // namespace

GAUNTLET_ATTACK(Inverts, "inverts", "1.0.0", "for tests: answers with the negatives of the images");
