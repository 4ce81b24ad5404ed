// Fast adaptive boundary attack, smallest perturbation in Linf or L2. Croce & Hein, 2020,
// https://arxiv.org/abs/1907.02044
#include "gauntlet/plugin.h"

namespace {
using namespace gauntlet;

// Smallest step from t onto {<w, .> = b} inside the box; w is a gradient, b one number an image.
Tensor onto(const Tensor& t, const Tensor& w, const Tensor& b, const ThreatModel& threat) {
  const Tensor missing = b - (w * t).flatten(1).sum(1),
               toward = per_image(missing.sign()) * w;  // walk along +toward
  const Tensor room = torch::where(toward > 0, threat.high - t, t - threat.low), size = w.abs();
  const Tensor unit = threat.norm == Norm::kLinf ? torch::ones_like(size)
                                                 : size;  // |d_i| = min(lambda * unit_i, room_i)
  Tensor lower = torch::zeros_like(per_image(b)),
         upper = per_image(std::get<0>((room / unit.clamp_min(1e-12)).flatten(1).max(1)));
  for (int i = 0; i < 60; ++i) {
    const Tensor lambda = (lower + upper) / 2,
                 reached = (size * torch::minimum(lambda * unit, room)).flatten(1).sum(1);
    const Tensor short_of = per_image(reached < missing.abs());
    lower = torch::where(short_of, lambda, lower), upper = torch::where(short_of, upper, lambda);
  }
  return toward.sign() * torch::minimum(upper * unit, room);
}

struct Fab final : Attack {
  struct Params {
    int64_t steps = 100;
    double alpha_max = 0.1, overshoot = 1.05, backward = 0.9;

    void fields(auto&& visit) {
      visit(steps, "steps", "iterations", Range{1, 10'000});
      visit(alpha_max, "alpha_max", "largest weight of the original input", Range{0, 1});
      visit(overshoot, "overshoot", "length of a projection step (eta)", Range{1, 2});
      visit(backward, "backward", "how far a hit is drawn back to the input (beta)", Range{0, 1});
    }
  } p;

  AttackFacts facts() const override { return {.access = Access::kGradient, .minimal_norm = true}; }

  std::string unsupported(const ThreatModel& threat, const TargetFacts&, Goal goal) const override {
    if (threat.norm == Norm::kL1) return "L1 is not written";
    return goal == Goal::kUntargeted ? "" : "untargeted only";
  }

  Tensor run(Target& target, const Task& task) override {
    std::vector<Loss> gaps;  // z_k - z_y
    for (int64_t k = 0; k < target.facts().classes; ++k)
      gaps.push_back([k](const Outputs& o, const Rows& r) {
        return o.logits.select(1, k) - o.logits.gather(1, r.y.unsqueeze(1)).squeeze(1);
      });

    const double infinity = std::numeric_limits<double>::infinity();
    const Tensor all = task.copies(1);
    Tensor x = task.x, best = task.x, best_norm = task.full(infinity);
    if (task.restart > 0) {
      Noise noise = task.noise.at(0);
      x = task.x + task.threat.project(task.x, 0.5 * task.threat.random(task.x, noise));
    }
    for (int64_t step = 0; step <= p.steps; ++step) {
      const std::vector<Gradient> g = target.gradients(x, gaps);
      const Tensor wrong = g[0].outputs.logits.argmax(1) != task.y,
                   norm = task.threat.distance(task.x, x);
      const Tensor closer = wrong & (norm < best_norm);
      best = torch::where(per_image(closer), x, best),
      best_norm = torch::where(closer, norm, best_norm);
      if (step == p.steps) break;

      std::vector<Tensor> gap, slope;
      for (const Gradient& one : g) gap.push_back(one.loss), slope.push_back(one.x);
      const Tensor df = torch::stack(gap, 1),
                   dg = torch::stack(slope, 1);  // [N, K], [N, K, C, H, W]
      const Tensor dual = task.threat.norm == Norm::kLinf ? dg.flatten(2).abs().sum(2)
                                                          : dg.flatten(2).square().sum(2).sqrt();
      const Tensor nearest =
          (df.abs() / (dual + 1e-12)).scatter(1, task.y.unsqueeze(1), infinity).argmin(1);
      const Tensor w = dg.index({all, nearest}),
                   b = (w * x).flatten(1).sum(1) - df.index({all, nearest});

      x = torch::where(per_image(wrong), task.x + p.backward * (x - task.x), x);
      const Tensor d1 = onto(x, w, b, task.threat), d2 = onto(task.x, w, b, task.threat);
      const Tensor n1 = task.threat.distance(x, x + d1).clamp_min(1e-8),
                   n2 = task.threat.distance(x, x + d2).clamp_min(1e-8);
      const Tensor alpha = per_image((n1 / (n1 + n2)).clamp(0, p.alpha_max));
      x = ((1 - alpha) * (x + p.overshoot * d1) + alpha * (task.x + p.overshoot * d2))
              .clamp(task.threat.low, task.threat.high);
    }
    return best;
  }
};
}  // namespace

GAUNTLET_ATTACK(Fab, "fab", "1.0.0", "fast adaptive boundary attack");
