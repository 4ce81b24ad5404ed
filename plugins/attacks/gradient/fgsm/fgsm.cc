// Fast gradient sign method, in any norm. Goodfellow et al., 2015, https://arxiv.org/abs/1412.6572
#include "gauntlet/plugin.h"

namespace {
using namespace gauntlet;

struct Fgsm final : Attack {
  struct Params {
    void fields(auto&&) {}
  } p;

  AttackFacts facts() const override { return {.access = Access::kGradient}; }

  Tensor run(Target& target, const Task& task) override {
    const Tensor grad = target.gradient(task.x, task.loss_or(cross_entropy)).x;
    return task.x + task.threat.project(task.x, task.threat.epsilon * task.threat.steepest(grad));
  }
};
}  // namespace

GAUNTLET_ATTACK(Fgsm, "fgsm", "1.0.0", "one step to the edge of the ball");
