// Decoupled direction and norm, smallest perturbation in L2. Rony et al., 2019,
// https://arxiv.org/abs/1811.09600
#include <cmath>
#include <limits>

#include "gauntlet/plugin.h"

namespace {
using namespace gauntlet;

constexpr double kPi = 3.14159265358979323846, kSmallestStep = 0.01;

struct Ddn final : Attack {
  struct Params {
    int64_t steps = 100, levels = 256;
    double gamma = 0.05, init_norm = 1;
    std::string under_noise = "edge";

    void fields(auto&& visit) {
      visit(steps, "steps", "gradient steps", Range{1, 100'000});
      visit(gamma, "gamma", "share by which the norm shrinks or grows a step", Range{1e-6, 0.999});
      visit(init_norm, "init_norm", "norm that the first step is given", Range{1e-6, 1000});
      visit(levels, "levels", "values that a pixel may take, evenly spaced; 0: any",
            Range{0, 65'536});
      visit(under_noise, "under_noise",
            "on a defense with noise: the nearest hit's direction to the edge of the ball, or that "
            "hit",
            OneOf{"edge", "nearest"});
    }
  } p;

  AttackFacts facts() const override { return {.access = Access::kGradient, .minimal_norm = true}; }

  std::string unsupported(const ThreatModel& threat, const TargetFacts&, Goal) const override {
    return threat.norm == Norm::kL2 ? "" : "ddn looks for the smallest perturbation in L2 only";
  }

  Tensor run(Target& target, const Task& task) override {
    const Loss loss = task.loss_or(cross_entropy), gap = margin(task.goal);
    const bool to_edge = target.facts().stochastic && p.under_noise == "edge";
    const double low = task.threat.low, high = task.threat.high;
    const Tensor farthest =
        length(torch::maximum(high - task.x, task.x - low));  // no point of the box lies beyond
    Tensor x = first(task), best = task.x;
    Tensor best_norm = task.full(std::numeric_limits<float>::infinity());
    Tensor norm = torch::minimum(task.full(p.init_norm), farthest);
    for (int64_t step = 0; step < p.steps; ++step) {
      target.propose(to_edge
                         ? at_edge(task, best, best_norm)
                         : torch::where(task.threat.epsilon >= per_image(best_norm), best, task.x));
      const Gradient g = target.gradient(x, loss);
      const Tensor distance = task.threat.distance(task.x, x);
      // A sample out of budget is shown its last logits, which are of another point.
      const Tensor hit = (gap(g.outputs, task.rows()) > 0) & target.active();
      const Tensor nearer = hit & (distance < best_norm);
      best = torch::where(per_image(nearer), x, best);
      best_norm = torch::where(nearer, distance, best_norm);

      norm =
          torch::minimum(torch::where(hit, norm * (1 - p.gamma), norm * (1 + p.gamma)), farthest);
      const Tensor delta = x - task.x + step_size(step) * direction(g.x, task.noise.at(step));
      x = pixels(task.x + delta * per_image(norm / length(delta).clamp_min(1e-12)), low, high);
    }
    return to_edge ? at_edge(task, best, best_norm) : best;
  }

  // Among noise a hit may be luck, and at the boundary half the draws are lost. Rounding to levels
  // must not leave the ball.
  Tensor at_edge(const Task& task, const Tensor& best, const Tensor& norm) const {
    const ThreatModel& threat = task.threat;
    const double width = threat.high - threat.low, count = double(task.x[0].numel());
    const double rounding = p.levels < 2 ? 0 : width / double(p.levels - 1) / 2 * std::sqrt(count);
    const Tensor room = (threat.epsilon - rounding).clamp_min(0);
    const Tensor delta = room / per_image(norm.clamp_min(1e-12)) * (best - task.x);
    return pixels(task.x + threat.project(task.x, delta), threat.low, threat.high);
  }

  // The input; a restart begins at a random point of half the ball.
  static Tensor first(const Task& task) {
    if (task.restart == 0) return task.x;
    Noise noise = task.noise.at(0);
    return task.x + task.threat.project(task.x, 0.5 * task.threat.random(task.x, noise));
  }

  // From 1 to 0.01 along half a cosine. Its first value is that after one step, as in the authors'
  // code.
  double step_size(int64_t step) const {
    const double done = double(step + 1) / double(p.steps);
    return kSmallestStep + (1 - kSmallestStep) * (1 + std::cos(kPi * done)) / 2;
  }

  // Of unit length; where there is no gradient, anywhere.
  static Tensor direction(const Tensor& gradient, Noise noise) {
    const Tensor size = length(gradient), none = size == 0;
    const Tensor unit = gradient / per_image(size.masked_fill(none, 1));
    if (!none.any().item<bool>()) return unit;
    return torch::where(per_image(none), noise.normal(gradient.sizes().slice(1)), unit);
  }

  Tensor pixels(const Tensor& x, double low, double high) const {
    if (p.levels < 2) return x.clamp(low, high);
    const double steps = double(p.levels - 1), width = high - low;
    return (low + ((x - low) / width * steps).round() / steps * width).clamp(low, high);
  }

  static Tensor length(const Tensor& t) { return t.flatten(1).square().sum(1).sqrt(); }  // [N]
};
}  // namespace

GAUNTLET_ATTACK(Ddn, "ddn", "1.0.0", "decoupled direction and norm, smallest L2 perturbation");
