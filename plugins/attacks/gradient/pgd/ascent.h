// What pgd can be told, and the direction and length of its steps.
#pragma once
#include "gauntlet/plugin.h"

namespace gauntlet::pgd {

struct Params {
  int64_t steps = 10;
  double step_size = 0, step_decay = 1;
  std::string step_unit = "input", start = "uniform", loss = "cross_entropy";
  double momentum = 0, diversity = 0;
  int64_t scales = 1, translation = 0;
  bool nesterov = false, accumulate_gradients = false, clamp_start = true;
  std::string noise = "fresh";

  void fields(auto&& visit) {
    visit(steps, "steps", "gradient steps", Range{0, 10'000});
    visit(step_size, "step_size", "length of one step, in step_unit; 0: 2.5 epsilon / steps",
          Range{0, 1000});
    visit(step_unit, "step_unit",
          "of a step_size that is given: input units, or the threat's epsilon",
          OneOf{"input", "epsilon"});
    visit(step_decay, "step_decay", "factor of the step size after half of the steps", Range{0, 1});
    visit(start, "start", "uniform in the ball, gaussian with sd 0.001 (TRADES), or the input",
          OneOf{"uniform", "gaussian", "input"});
    visit(loss, "loss", "what is maximised, unless a trainer or the defense says",
          OneOf{"cross_entropy", "margin", "dlr"});
    visit(momentum, "momentum", "decay of the summed normalised gradients; 0: off", Range{0, 10});
    visit(nesterov, "nesterov", "gradients where the momentum leads");
    visit(scales, "scales", "copies x / 2^i whose gradients are averaged", Range{1, 16});
    visit(diversity, "diversity", "probability that a query is resized and padded", Range{0, 1});
    visit(translation, "translation", "odd side of the kernel that blurs the gradient; 0: off",
          Range{0, 63});
    visit(accumulate_gradients, "accumulate_gradients", "step along the sum of all gradients");
    visit(clamp_start, "clamp_start", "project the start into the box");
    visit(noise, "noise",
          "of a defense that draws: fresh at every step, or fixed for the whole run",
          OneOf{"fresh", "fixed"});
  }
};

/// Length of one step, in input units. Where epsilon is no length, the width of the box stands for
/// it.
Tensor step_length(const Params& params, int64_t step, const ThreatModel& threat);

/// What steps that cannot cross the ball, or jump over it, are told; empty: they are neither.
std::string remark_on_steps(const Params& params, double epsilon);

/// The steps of one run.
class Ascent {
 public:
  Ascent(const Params& params, Target& target, const Task& task, Loss loss)
      : p_(params), target_(target), task_(task), loss_(std::move(loss)) {}

  /// What the gradients up to this step say about x: [N, C, H, W], of any length.
  Tensor direction(const Tensor& x, int64_t step);
  /// [1, 1, 1, 1] or one per sample, in input units.
  Tensor length(int64_t step) const;

 private:
  Tensor gradient(const Tensor& x, int64_t step);
  Query query(const Tensor& rows = {}) const;
  Tensor ahead(const Tensor& x, int64_t step) const;

  const Params& p_;
  Target& target_;
  const Task& task_;
  const Loss loss_;
  Tensor sum_, velocity_;
};

}  // namespace gauntlet::pgd
