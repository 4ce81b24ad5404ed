// Fast adaptive boundary attack, smallest perturbation in Linf, L2 or L1. Croce & Hein, 2020,
// https://arxiv.org/abs/1907.02044
#include <algorithm>

#include "boundary.h"
#include "gauntlet/plugin.h"
#include "hyperplane.h"

namespace {
using namespace gauntlet;
using fab::kInfinity;

constexpr double kLuck = 0.6;  // of epsilon: among noise, hits that are nearer show little

struct Fab final : Attack {
  struct Params {
    int64_t steps = 100, targets = 9, trials = 8;
    double alpha_max = 0.1, eta = 1.05, beta = 0.9;
    bool targeted = false;
    std::string under_noise = "edge";

    void fields(auto&& visit) {
      visit(steps, "steps", "iterations, for each class if targeted", Range{1, 100'000});
      visit(alpha_max, "alpha_max", "largest weight of the step from the input", Range{0, 1});
      visit(eta, "eta", "length of a step, as a share of the way to the boundary", Range{1, 10});
      visit(beta, "beta", "share of a hit's distance that is kept after it", Range{0, 1});
      visit(targeted, "targeted", "FAB-T: towards one class after the other, a gradient each");
      visit(targets, "targets", "targeted: classes to try, likeliest first; 0: all", Range{0, 1e5});
      visit(trials, "trials", "under noise: draws whose mean decides on a hit", Range{1, 10'000});
      visit(under_noise, "under_noise", "a hit's direction to the edge of the ball, or the nearest",
            OneOf{"edge", "nearest"});
    }
  } p;

  AttackFacts facts() const override {
    return {.access = Access::kGradient, .minimal_norm = true, .prefix_nested = !p.targeted};
  }

  std::string remark(const ThreatModel&, const TargetFacts& target, Goal goal) const override {
    if (p.targeted || goal != Goal::kUntargeted || target.classes <= 20) return "";
    return "fab asks " + std::to_string(target.classes - 1) +
           " gradients a step, one for each wrong class; targeted = true asks one";
  }

  Tensor run(Target& target, const Task& task) override {
    const bool to_edge = target.facts().stochastic && p.under_noise == "edge";
    Search s{target, task, task.x, task.full(kInfinity), to_edge};
    if (task.loss)
      descend(s, {*task.loss});
    else if (task.goal != Goal::kUntargeted)
      descend(s, {margin(task.goal)});
    else if (p.targeted)
      towards_each(s);
    else
      descend(s, fab::all_gaps(target.facts().classes));
    return s.answer();
  }

 private:
  struct Search {
    Target& target;
    const Task& task;
    Tensor best, norm;  // the best hit and its distance; infinite: none
    bool to_edge;
    // These points are hits, [N] bool.
    void keep(const Tensor& x, const Tensor& hit) {
      const Tensor distance = task.threat.distance(task.x, x);
      const Tensor better = hit & (to_edge ? worth(distance) > worth(norm) : distance < norm);
      best = torch::where(per_image(better), x, best);
      norm = torch::where(better, distance, norm);
    }
    // How well a hit among noise shows the direction: a near one may be luck, so the farther the
    // better up to kLuck of the way to the edge, and from there on the nearer the better. [N]
    Tensor worth(const Tensor& distance) const {
      const Tensor least = kLuck * task.threat.epsilon.view(-1);
      return torch::where(distance > least, least + least * least / distance, distance)
          .masked_fill(distance.isinf(), -1);
    }
    Tensor answer() const {
      if (!to_edge) return best;
      const Tensor along = unit(best - task.x, task.threat.norm);
      return task.x + task.threat.project(task.x, task.threat.epsilon * along);
    }
    void propose() const {
      const Tensor within = task.threat.epsilon >= per_image(norm);
      target.propose(to_edge ? answer() : torch::where(within, best, task.x));
    }
  };

  void descend(Search& s, const std::vector<Loss>& boundaries) const {
    const Task& task = s.task;
    const Loss gap = margin(task.goal);
    const bool noise = s.target.facts().stochastic,
               kinks = task.goal != Goal::kUntargeted && !noise;
    Tensor x = first(task);
    for (int64_t step = 0; step < p.steps; ++step) {
      s.propose();
      const std::vector<Gradient> g = s.target.gradients(x, boundaries);
      const Tensor here = gap(g[0].outputs, task.rows());
      // A sample out of budget is shown its last logits, which are of another point.
      if (!noise) s.keep(x, (here > 0) & s.target.active());
      const Tensor to = stepped(task, x, g, here > 0, s.target.active());
      const Tensor there = s.target.losses(to, gap, look());
      const Tensor won = (there > 0) & s.target.active(), half = (there < here) & ~won & kinks;
      s.keep(to, won);
      x = torch::where(per_image(half), (x + to) / 2, to);  // else steps may go to and fro
      x = torch::where(per_image(won), task.x + p.beta * (to - task.x), x);
    }
  }

  // Points are compared on the same draws of a defense's noise.
  Query look() const { return {.draws = p.trials, .noise = Draw::kFixed}; }

  // One run towards each wrong class, by rank on the clean input.
  void towards_each(Search& s) const {
    const Tensor logits = s.target.scores(s.task.x, look()).logits;
    const Tensor order = logits.scatter(1, s.task.y.unsqueeze(1), -kInfinity)
                             .argsort(/*stable=*/true, 1, /*descending=*/true);
    const int64_t wrong = logits.size(1) - 1,
                  count = p.targets ? std::min(p.targets, wrong) : wrong;
    for (int64_t k = 0; k < count; ++k) descend(s, {fab::gap_to(order.select(1, k))});
  }

  // The input; a restart begins at a random point of half the ball.
  static Tensor first(const Task& task) {
    if (task.restart == 0) return task.x;
    Noise noise = task.noise.at(0);
    return task.x + task.threat.project(task.x, 0.5 * task.threat.random(task.x, noise));
  }

  // To the boundary from x and from the input, more of the latter the farther x has gone astray.
  // Only where it is still attacked: in an ensemble that is a part of the batch.
  Tensor stepped(const Task& task, const Tensor& x, std::vector<Gradient> g, const Tensor& hit,
                 const Tensor& active) const {
    const Tensor rows = active.nonzero().squeeze(1);
    const auto of = [&](const Tensor& t) { return t.index_select(0, rows); };
    for (Gradient& one : g) one.x = of(one.x), one.loss = of(one.loss);
    const fab::Plane plane = fab::nearest(task, g, of(hit));
    const auto flat = [&](const Tensor& t) { return of(t).flatten(1).to(torch::kDouble); };
    const Tensor here = flat(x), origin = flat(task.x);
    const Tensor here_to = fab::onto(here, plane.w, -plane.value, task.threat);
    const Tensor way = (plane.w * (here - origin)).sum(1) - plane.value;
    const Tensor origin_to = fab::onto(origin, plane.w, way, task.threat);
    const Tensor near = length(here_to, task.threat.norm),
                 far = near + length(origin_to, task.threat.norm);
    const Tensor alpha = (near / fab::zero_to_one(far)).clamp_max(p.alpha_max).unsqueeze(1);
    const Tensor to = (1 - alpha) * (here + p.eta * here_to) + alpha * (origin + p.eta * origin_to);
    const Tensor inside = to.to(x.dtype()).clamp(task.threat.low, task.threat.high);
    return x.index_copy(0, rows, inside.view({-1, x.size(1), x.size(2), x.size(3)}));
  }
};
}  // namespace

GAUNTLET_ATTACK(Fab, "fab", "1.0.0",
                "fast adaptive boundary attack, smallest L2, Linf or L1 perturbation");
