// An attack that cheats as it is told to; all else is an honest projected gradient ascent.
#include "gauntlet/plugin.h"

namespace {
using namespace gauntlet;

struct CheatingAttack final : Attack {
  struct Params {
    std::string how = "nothing";
    int64_t steps = 10;

    void fields(auto&& visit) {
      visit(how, "how", "what it does wrong",
            OneOf{"nothing", "no_op", "out_of_ball", "nan", "relabels", "clips_silently",
                  "remembers", "returns_early", "reads_other_labels"});
      visit(steps, "steps", "gradient steps", Range{1, 1000});
    }
  } p;

  bool is(const char* how) const { return p.how == how; }

  AttackFacts facts() const override {
    return {.access = Access::kGradient, .prefix_nested = true};
  }

  // reads_other_labels: each image is pushed off the label of the one before it in the batch. Its
  // answer changes with its neighbours; the truth is the attack on its own label.
  Loss loss_for(const Task& task) const {
    const Loss usual = task.loss_or(cross_entropy);
    if (!is("reads_other_labels")) return usual;
    return [usual, other = task.y.roll(1)](const Outputs& out, const Rows& rows) {
      return usual(out, {rows.sample, rows.of(other), rows.target});
    };
  }

  // remembers: each call begins with the mean perturbation of the call before it. What a batch gets
  // depends on what ran earlier; the truth is a run of a fresh instance.
  Tensor first(const Task& task) {
    if (!is("remembers") || !memory_.defined() || memory_.sizes() != task.x[0].sizes())
      return torch::zeros_like(task.x);
    return task.threat.project(task.x, memory_.expand_as(task.x));
  }

  // clips_silently: perturbs inside the ball alone and asks the model about the clipped image, but
  // hands in pixels beyond [0, 1]. Such images do not exist; clipped, they are other images.
  Tensor kept(const Task& task, const Tensor& delta) const {
    if (!is("clips_silently")) return task.threat.project(task.x, delta);
    return torch::minimum(torch::maximum(delta, -task.threat.epsilon), task.threat.epsilon);
  }

  Tensor run(Target& target, const Task& task) override {
    const Loss loss = loss_for(task);
    Tensor delta = first(task);
    for (int64_t step = 0; step < p.steps; ++step) {
      const Tensor g = target.gradient((task.x + delta).clamp(0, 1), loss).x;
      // no_op: asks once and hands the clean image back. Nothing was attacked, so the truth is the
      // clean accuracy.
      if (is("no_op")) return task.x;
      delta = kept(task, delta + 0.1 * task.threat.epsilon * task.threat.steepest(g));
      // returns_early: stops after the first of its steps. What it finds is what one short step
      // finds, whatever `steps` says.
      if (is("returns_early")) break;
    }
    if (is("remembers")) memory_ = delta.mean(0);
    return answer(task, task.x + delta);
  }

  Tensor answer(const Task& task, const Tensor& x) const {
    // out_of_ball: moves the first pixel by epsilon and a thousandth. Hits won there do not count.
    if (is("out_of_ball")) {
      Tensor out = x.clone();
      const Tensor pixel = task.x.flatten(1).select(1, 0), reach = task.threat.epsilon + 1e-3;
      out.flatten(1).select(1, 0).copy_(
          torch::where(pixel < 0.5, pixel + reach.flatten(), pixel - reach.flatten()));
      return out;
    }
    // nan: one pixel is no number, so no answer of the network is right. Nothing was attacked.
    if (is("nan")) {
      Tensor out = x.clone();
      out.flatten(1).select(1, 0).fill_(std::numeric_limits<float>::quiet_NaN());
      return out;
    }
    // relabels: finds what it finds, then writes other labels into what it is lent, so that right
    // answers look wrong. The truth is the accuracy on the labels of the data set.
    if (is("relabels")) Tensor(task.y).add_(1).remainder_(2);
    return x;
  }

  Tensor memory_;
};
}  // namespace

GAUNTLET_ATTACK(CheatingAttack, "cheating_attack", "1.0.0", "for tests: an attack that cheats");
