// Several attacks on the same samples, and the best answer for each: AutoAttack and the like.
// Croce & Hein, 2020, https://arxiv.org/abs/2003.01690
#include <limits>

#include "../unproposed.h"
#include "gauntlet/plugin.h"

namespace {
using namespace gauntlet;

// Noise of the queries that compare answers, which no member asks for: none has adapted to it.
constexpr int64_t kComparing = (int64_t{1} << 22) - 1;

Use pgd(const char* loss) {
  return {"pgd", {{"steps", 10}, {"step_size", 0.25}, {"step_unit", "epsilon"}, {"loss", loss}}};
}

struct Ensemble final : Attack {
  struct Params {
    std::vector<Use> members = {pgd("cross_entropy"), pgd("margin")};
    std::vector<int64_t> repeats;
    int64_t selection_draws = 32;

    void fields(auto&& visit) {
      visit(members, "members", "attacks, run in this order on the same samples");
      visit(repeats, "repeats", "how often each of them runs, with noise of its own; []: once",
            Range{1, 999'999});
      visit(selection_draws, "selection_draws",
            "on a defense with noise: draws on which answers are compared", Range{1, 100'000});
    }
  } p;

  AttackFacts facts() const override {  // its members say what they have forms for
    return {.access = Access::kGradient, .norms = norms_with_steps()};
  }

  std::string unsupported(const ThreatModel&, const TargetFacts&, Goal) const override {
    if (p.members.empty()) return "members is empty, expected at least one attack";
    if (p.repeats.empty() || p.repeats.size() == p.members.size()) return "";
    return "repeats has " + std::to_string(p.repeats.size()) + " numbers for " +
           std::to_string(p.members.size()) + " members, expected one for each";
  }

  Tensor run(Target& target, const Task& task) override {
    Unproposed later(target);
    Kept kept{task.x, task.full(-std::numeric_limits<float>::infinity())};
    bool any = false;
    for (size_t m = 0; m < p.members.size(); ++m) {
      const std::unique_ptr<Attack> member = task.host.attack(p.members[m]);
      // The host has told of those that have no form for this.
      if (!member->no_form_for(task.threat, target.facts(), task.goal).empty()) continue;
      const int64_t times = p.repeats.empty() ? 1 : p.repeats.at(m);
      for (int64_t r = 0; r < times; ++r) {
        const Tensor x = member->run(any ? later : target, turn(task, m, r, times));
        keep_better(target, task, within(*member, task, x), kept);
        any = true;
      }
    }
    if (!any) throw ParamError("members: none of them has a form for this threat and goal");
    return kept.x;
  }

 private:
  // Per sample, what came out best so far; beyond rank there is nothing to compare.
  struct Kept {
    Tensor x, rank;
  };

  // The r-th run of a member. The very first has the noise of the task, so that an ensemble of one
  // is that one.
  static Task turn(const Task& task, size_t member, int64_t r, int64_t times) {
    Task out = task;
    out.restart = task.restart * times + r;
    // An odd multiplier keeps the sources apart; the generator mixes them.
    out.noise.key.seed += (uint64_t(member) << 32 | uint64_t(r)) * 0xA24BAED4963EE407u;
    return out;
  }

  // An attack that looks for the smallest perturbation may answer from beyond the ball.
  static Tensor within(const Attack& member, const Task& task, const Tensor& found) {
    if (!member.facts().minimal_norm) return found;
    return task.x + task.threat.project(task.x, found - task.x);
  }

  void keep_better(Target& target, const Task& task, const Tensor& x, Kept& kept) const {
    const Tensor rank = ranks(target, task, x);
    const Tensor better = (rank > kept.rank) & target.active();
    kept.x = torch::where(per_image(better), x, kept.x);
    kept.rank = torch::where(better, rank, kept.rank);
    target.propose(kept.x);
  }

  // [N], higher is better, never by a member's own loss. What counts in the end is how often the
  // defense is wrong: of one that draws noise and does not vote, the share of draws; margins only
  // settle ties. A vote errs where the mean of its ballots does.
  Tensor ranks(Target& target, const Task& task, const Tensor& x) const {
    const bool votes = target.mc_samples() > 1;
    Query query{.draws = p.selection_draws, .noise = Draw::kFixed, .key = kComparing};
    if (votes) query.average = Average::kBallot;
    if (!target.facts().stochastic || votes) return target.losses(x, margin(task.goal), query);
    query.average = Average::kLoss;
    return target.losses(x, lost_draws(task.goal), query);
  }

  // Of one draw: 1 if it is lost, and less than half a draw's weight for its margin.
  Loss lost_draws(Goal goal) const {
    return [gap_of = margin(goal), weight = 0.5 / double(p.selection_draws)](const Outputs& out,
                                                                             const Rows& rows) {
      const Tensor gap = gap_of(out, rows);
      return (gap > 0).to(gap.scalar_type()) + weight * gap / (1 + gap.abs());
    };
  }
};
}  // namespace

GAUNTLET_ATTACK(Ensemble, "ensemble", "1.0.0", "several attacks in turn, the best answer of each");
