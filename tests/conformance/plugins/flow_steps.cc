// Gradient steps in the flow of an image. After Xiao et al., 2018,
// https://arxiv.org/abs/1801.02612, with a limit for each pixel in the place of their penalty.
#include "gauntlet/plugin.h"
#include "gauntlet/spatial.h"

namespace {
using namespace gauntlet;

struct FlowSteps final : Attack {
  struct Params {
    int64_t steps = 10;

    void fields(auto&& visit) { visit(steps, "steps", "gradient steps", Range{1, 10000}); }
  } p;

  AttackFacts facts() const override {
    return {.access = Access::kGradient, .norms = {Norm::kFlow}};
  }

  Tensor run(Target& target, const Task& task) override {
    const Loss loss = task.loss_or(cross_entropy);
    const Tensor& epsilon = task.threat.epsilon;
    const auto image = [&](const Tensor& flow) { return flowed(task.x, flow); };
    Tensor flow =
        torch::zeros({task.x.size(0), 2, task.x.size(2), task.x.size(3)}, task.x.options());
    for (int64_t step = 0; step < p.steps; ++step) {
      const Tensor slope = target.gradient_through(flow, image, loss).x;
      flow = flow + 2.5 / double(p.steps) * epsilon * slope.sign();
      flow = torch::minimum(torch::maximum(flow, -epsilon), epsilon);
    }
    return image(flow);
  }
};
}  // namespace

GAUNTLET_ATTACK(FlowSteps, "flow_steps", "1.0.0", "gradient steps in the flow of an image");
