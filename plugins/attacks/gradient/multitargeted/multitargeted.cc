// MultiTargeted: an attack towards each wrong class, and the best of them. Gowal et al., 2019,
// https://arxiv.org/abs/1910.09338
#include <limits>

#include "../unproposed.h"
#include "gauntlet/plugin.h"

namespace {
using namespace gauntlet;

struct MultiTargeted final : Attack {
  struct Params {
    int64_t targets = 0;
    Use attack = {
        "pgd", {{"steps", 20}, {"step_size", 0.25}, {"step_unit", "epsilon"}, {"step_decay", 0.4}}};

    void fields(auto&& visit) {
      visit(targets, "targets", "wrong classes to try, the likeliest first; 0: all",
            Range{0, 100'000});
      visit(attack, "attack", "run once for each of them");
    }
  } p;

  AttackFacts facts() const override {  // the attack inside says what it has forms for
    return {.access = Access::kGradient, .norms = norms_with_steps()};
  }

  std::string unsupported(const ThreatModel&, const TargetFacts&, Goal goal) const override {
    return goal == Goal::kUntargeted ? ""
                                     : "multitargeted tries every wrong class: its goal is "
                                       "untargeted; use pgd for one target";
  }

  Tensor run(Target& target, const Task& task) override {
    const std::unique_ptr<Attack> inner = task.host.attack(p.attack);
    const std::string reason = inner->no_form_for(task.threat, target.facts(), task.goal);
    if (!reason.empty()) throw ParamError("attack: " + p.attack.plugin + ": " + reason);
    if (task.loss) return within(*inner, task, inner->run(target, task));  // it has no targets
    Unproposed later(target);
    const Tensor classes = wrong_classes(target, task);
    Tensor best = task.x, best_margin = task.full(-std::numeric_limits<float>::infinity());
    for (int64_t rank = 0; rank < classes.size(1); ++rank) {
      Task one = task;
      one.loss = towards(classes.select(1, rank));
      const Tensor x = within(*inner, task, inner->run(rank == 0 ? target : later, one));
      const Tensor gap = target.losses(x, margin(task.goal));
      best = torch::where(per_image(gap > best_margin), x, best);
      best_margin = torch::maximum(gap, best_margin);
      target.propose(best);
    }
    return best;
  }

  // An attack that looks for the smallest perturbation may answer from beyond the ball.
  static Tensor within(const Attack& inner, const Task& task, const Tensor& found) {
    if (!inner.facts().minimal_norm) return found;
    return task.x + task.threat.project(task.x, found - task.x);
  }

  // [N, targets], the likeliest first.
  Tensor wrong_classes(Target& target, const Task& task) const {
    const Tensor logits = target.scores(task.x).logits;
    const Tensor others =
        logits.scatter(1, task.y.unsqueeze(1), -std::numeric_limits<float>::infinity());
    const int64_t wrong = logits.size(1) - 1;
    const int64_t count = p.targets == 0 ? wrong : std::min(p.targets, wrong);
    return others.argsort(/*stable=*/true, 1, /*descending=*/true).narrow(1, 0, count);
  }

  // z_t - z_y, and at most what keeps a detector quiet.
  static Loss towards(const Tensor& wanted) {
    return [wanted](const Outputs& out, const Rows& rows) {
      const auto of = [&](const Tensor& label) {
        return out.logits.gather(1, label.unsqueeze(1)).squeeze(1);
      };
      const Tensor gap = of(rows.of(wanted)) - of(rows.y);
      return out.reject.defined() ? torch::minimum(gap, -out.reject) : gap;
    };
  }
};
}  // namespace

GAUNTLET_ATTACK(MultiTargeted, "multitargeted", "1.1.0",
                "pgd towards each wrong class, the best of them");
