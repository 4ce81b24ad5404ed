// PGD whose loss changes on the way. Antoniou et al., 2022, https://arxiv.org/abs/2212.07992
#include <algorithm>
#include <cmath>

#include "../gradient_steps.h"
#include "gauntlet/plugin.h"

namespace {
using namespace gauntlet;

constexpr double kPi = 3.14159265358979323846;

int64_t least_classes(Goal goal) { return goal == Goal::kTargeted ? 4 : 3; }  // of dlr

struct AlternatingPgd final : Attack {
  struct Params {
    int64_t steps = 100;
    double step_size = 0.25;
    std::string schedule = "constant", noise = "fresh";
    std::vector<std::string> losses = {"cross_entropy", "margin", "dlr"};

    void fields(auto&& visit) {
      visit(steps, "steps", "gradient steps", Range{1, 10'000});
      visit(losses, "losses", "what is maximised, one after the other, each for as many steps",
            OneOf{"cross_entropy", "margin", "dlr"});
      visit(schedule, "schedule", "how step sizes fall; cosine begins anew with each loss",
            OneOf{"constant", "gama", "cosine", "apgd", "a3"});
      visit(step_size, "step_size", "length of one step of constant and gama, in epsilons",
            Range{0, 1000});
      visit(noise, "noise",
            "of a defense that draws: fresh at every step, or fixed for the whole run",
            OneOf{"fresh", "fixed"});
    }
  } p;

  AttackFacts facts() const override { return {.access = Access::kGradient}; }

  std::string unsupported(const ThreatModel&, const TargetFacts&, Goal) const override {
    return p.losses.empty() ? "losses names none" : "";
  }

  std::string remark(const ThreatModel&, const TargetFacts& facts, Goal goal) const override {
    const bool by_dlr = std::find(p.losses.begin(), p.losses.end(), "dlr") != p.losses.end();
    if (!by_dlr || facts.classes >= least_classes(goal)) return "";
    return "dlr needs at least " + std::to_string(least_classes(goal)) +
           " classes, the model has " + std::to_string(facts.classes) + ": margin takes its place";
  }

  Tensor run(Target& target, const Task& task) override {
    const std::vector<Loss> losses = all_losses(target.facts(), task);
    const ThreatModel& threat = task.threat;
    const Query query{.noise = p.noise == "fixed" ? Draw::kFixed : Draw::kFresh,
                      .key = task.restart};
    Tensor delta = start(task);
    for (int64_t step = 0; step < p.steps; ++step) {
      const Tensor x = task.x + delta;
      Tensor gradient = target.gradient(x, losses.at(size_t(stage(step))), query).x;
      if (threat.norm == Norm::kL1)
        gradient = gradient.masked_fill(threat.held_by_box(x, gradient), 0);
      delta =
          threat.project(task.x, delta + length(step) * threat.epsilon * threat.steepest(gradient));
    }
    return task.x + delta;
  }

  // The input itself; a corner of the ball where the attack is repeated.
  static Tensor start(const Task& task) {
    if (task.restart == 0) return torch::zeros_like(task.x);
    Noise noise = task.noise.at(0);
    const Tensor delta = task.threat.random(task.x, noise);
    return task.threat.project(
        task.x, task.threat.norm == Norm::kLinf ? task.threat.epsilon * delta.sign() : delta);
  }

  int64_t stage(int64_t step) const { return step * int64_t(p.losses.size()) / p.steps; }

  std::vector<Loss> all_losses(const TargetFacts& facts, const Task& task) const {
    const bool lacks = facts.classes < least_classes(task.goal);
    std::vector<Loss> out;
    for (const std::string& name : p.losses) {
      const auto own = name == "cross_entropy"     ? cross_entropy
                       : name == "margin" || lacks ? margin
                                                   : dlr;
      out.push_back(task.loss_or(own));
    }
    return out;
  }

  // In epsilons.
  double length(int64_t step) const {
    const double done = double(step) / double(p.steps);
    if (p.schedule == "gama") return p.step_size * (done < 0.6 ? 1 : done < 0.85 ? 0.1 : 0.01);
    if (p.schedule == "a3") return 0.5 * (1 + std::cos(kPi * done));
    if (p.schedule == "cosine") {
      const double stages = done * double(p.losses.size());
      return 1 + std::cos(kPi * (stages - double(stage(step))));
    }
    if (p.schedule == "apgd") return 2 * std::pow(0.5, double(checks_before(step)));
    return p.step_size;
  }

  int64_t checks_before(int64_t step) const {
    int64_t checks = 0, done = 0;
    for (const int64_t window : check_windows(p.steps)) checks += (done += window) <= step;
    return checks;
  }
};
}  // namespace

GAUNTLET_ATTACK(AlternatingPgd, "alternating_pgd", "1.1.0",
                "PGD on one loss after the other, all norms");
