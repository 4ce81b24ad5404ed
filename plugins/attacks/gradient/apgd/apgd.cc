// Auto-PGD, which sets its step size by itself. Croce & Hein, 2020,
// https://arxiv.org/abs/2003.01690; in L1: Croce & Hein, 2021, https://arxiv.org/abs/2103.01208
#include <limits>

#include "auto_ascent.h"

namespace {
using namespace gauntlet;

// A part of the steps, in a ball of so many epsilons.
struct Stage {
  double epsilons;
  int64_t steps;
};

struct Apgd final : Attack {
  struct Params {
    int64_t steps = 100, targets = 9;
    double rho = 0.75;
    std::string loss = "cross_entropy";
    bool compat_zero_start = false;
    std::string noise = "fresh";

    void fields(auto&& visit) {
      visit(steps, "steps", "gradient steps of one run", Range{1, 10'000});
      visit(loss, "loss", "what is maximised, unless a trainer or the defense says",
            OneOf{"cross_entropy", "margin", "dlr", "dlr_targeted"});
      visit(targets, "targets", "dlr_targeted: runs, towards the likeliest wrong classes",
            Range{1, 100'000});
      visit(rho, "rho", "share of steps that must raise the loss, or the step size is halved",
            Range{0, 1});
      visit(compat_zero_start, "compat_zero_start",
            "the first step counts as a rise where its loss is positive, as in released code");
      visit(noise, "noise",
            "of a defense that draws: gradients on fresh draws, or on those that steps are "
            "compared on",
            OneOf{"fresh", "fixed"});
    }
  } p;

  AttackFacts facts() const override { return {.access = Access::kGradient}; }

  std::string remark(const ThreatModel&, const TargetFacts& facts, Goal goal) const override {
    if (!lacks_classes(facts, goal)) return "";
    return p.loss + " needs at least " + std::to_string(least_classes(goal)) +
           " classes, the model has " + std::to_string(facts.classes) + ": margin takes its place";
  }

  Tensor run(Target& target, const Task& task) override {
    const bool lacks = lacks_classes(target.facts(), task.goal);
    if (!task.loss && in_turn(task.goal))
      return towards_each(target, task, (lacks ? margin : dlr)(Goal::kTargeted));
    const auto own = p.loss == "cross_entropy"     ? cross_entropy
                     : p.loss == "margin" || lacks ? margin
                                                   : dlr;
    return climbed(target, task, task.loss_or(own), 0, 1);
  }

 private:
  // Other goals have one class to reach.
  bool in_turn(Goal goal) const { return p.loss == "dlr_targeted" && goal == Goal::kUntargeted; }
  int64_t least_classes(Goal goal) const {
    return in_turn(goal) || goal == Goal::kTargeted ? 4 : 3;
  }
  bool lacks_classes(const TargetFacts& facts, Goal goal) const {
    return p.loss.starts_with("dlr") && facts.classes < least_classes(goal);
  }

  // A run towards each of the likeliest wrong classes, and what comes nearest to an error.
  Tensor towards_each(Target& target, const Task& task, const Loss& loss) const {
    const Tensor classes = wrong_classes(target, task);
    const int64_t runs = classes.size(1);
    Tensor best = task.x, best_gap = task.full(-std::numeric_limits<float>::infinity());
    for (int64_t run = 0; run < runs; ++run) {
      const Loss towards = [loss, wanted = classes.select(1, run)](const Outputs& out,
                                                                   const Rows& rows) {
        return loss(out, {rows.sample, rows.y, rows.of(wanted)});
      };
      const Tensor x = climbed(target, task, towards, run, runs);
      if (runs == 1) return x;
      const Tensor gap = target.losses(x, margin(task.goal), {.noise = Draw::kFixed});
      const Tensor better = (gap > best_gap) & target.active();
      best = torch::where(per_image(better), x, best);
      best_gap = torch::where(better, gap, best_gap);
      target.propose(best);
    }
    return best;
  }

  // [N, targets], the likeliest first.
  Tensor wrong_classes(Target& target, const Task& task) const {
    const Tensor logits = target.scores(task.x, {.average = Average::kLogit}).logits;
    const Tensor others =
        logits.scatter(1, task.y.unsqueeze(1), -std::numeric_limits<float>::infinity());
    return others.argsort(/*stable=*/true, 1, /*descending=*/true)
        .narrow(1, 0, std::min(p.targets, logits.size(1) - 1));
  }

  // One run, through all stages. Key 0 compares runs; each has two keys of its own.
  Tensor climbed(Target& target, const Task& task, const Loss& loss, int64_t run,
                 int64_t runs) const {
    const int64_t key = 1 + 2 * (task.restart * runs + run);
    Tensor delta;
    for (const Stage& stage : stages(task.threat.norm)) {
      ThreatModel ball = task.threat;
      ball.epsilon = stage.epsilons * ball.epsilon;
      if (!delta.defined()) delta = start(ball, task, run);
      delta = ball.project(task.x, delta);
      const bool first = run == 0, inside = stage.epsilons == 1;
      if (first) target.propose(task.x + (inside ? delta : task.threat.project(task.x, delta)));
      apgd::AutoAscent ascent({target, task, loss, ball, key, first && inside},
                              {p.rho, p.compat_zero_start, p.noise == "fixed"});
      delta = ascent.run(delta, stage.steps);
    }
    return task.x + delta;
  }

  // At the edge of the ball; L1 has too many edges, and takes what is left of a normal draw.
  static Tensor start(const ThreatModel& ball, const Task& task, int64_t run) {
    Noise noise = task.noise.at(run);
    const auto shape = task.x.sizes().slice(1);
    if (ball.norm == Norm::kL1) return noise.normal(shape);
    const Tensor draw = ball.norm == Norm::kL2 ? noise.normal(shape) : 2 * noise.uniform(shape) - 1;
    return ball.epsilon * unit(draw, ball.norm);
  }

  std::vector<Stage> stages(Norm norm) const {
    const int64_t early = norm == Norm::kL1 ? p.steps * 3 / 10 : 0;
    if (early == 0) return {{1, p.steps}};
    return {{3, early}, {2, early}, {1, p.steps - 2 * early}};
  }
};
}  // namespace

GAUNTLET_ATTACK(Apgd, "apgd", "1.1.0", "Auto-PGD: sets its step size by itself, all norms");
