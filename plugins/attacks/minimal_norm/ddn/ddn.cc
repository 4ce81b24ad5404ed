// Decoupled direction and norm, smallest perturbation in L2. Rony et al., 2019,
// https://arxiv.org/abs/1811.09600
#include <cmath>
#include <limits>
#include <sstream>

#include "gauntlet/plugin.h"

namespace {
using namespace gauntlet;

constexpr double kPi = 3.14159265358979323846, kSmallestStep = 0.01;
constexpr double kLuck = 0.6;  // of epsilon: among noise, hits that are nearer show little

struct Ddn final : Attack {
  struct Params {
    int64_t steps = 100, levels = 256;
    double gamma = 0.05, init_norm = 1, max_norm = 0;
    std::string under_noise = "edge";

    void fields(auto&& visit) {
      visit(steps, "steps", "gradient steps", Range{1, 100'000});
      visit(gamma, "gamma", "share by which the norm shrinks or grows a step", Range{1e-6, 0.999});
      visit(init_norm, "init_norm", "norm that the first step is given", Range{1e-6, 1000});
      visit(levels, "levels", "values that a pixel may take, evenly spaced; 0: any",
            Range{0, 65'536});
      visit(max_norm, "max_norm", "answers are shortened to this norm; 0: they are not",
            Range{0, 1000});
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

  std::string remark(const ThreatModel& threat, const TargetFacts& target, Goal) const override {
    if (target.stochastic && p.under_noise == "edge") return "";  // any hit shows a direction
    const double least = p.init_norm * (1 + p.gamma) * std::pow(1 - p.gamma, double(p.steps - 2)),
                 epsilon = threat.epsilon.max().item<double>();
    if (epsilon >= least) return "";
    std::ostringstream out;
    out << p.steps << " steps bring ddn's norm from " << p.init_norm << " down to " << least
        << " at best, beyond epsilon " << epsilon
        << ": it finds nothing there; give more steps, a larger gamma or a smaller init_norm";
    return out.str();
  }

  Tensor run(Target& target, const Task& task) override {
    const Loss loss = task.loss_or(cross_entropy), gap = margin(task.goal);
    const bool to_edge = target.facts().stochastic && p.under_noise == "edge";
    const double low = task.threat.low, high = task.threat.high;
    const Tensor farthest =
        length(torch::maximum(high - task.x, task.x - low));  // no point of the box lies beyond
    const Tensor room = task.threat.epsilon.view(-1);
    Tensor x = first(task), best = task.x;
    Tensor best_norm = task.full(std::numeric_limits<float>::infinity());
    Tensor norm = torch::minimum(task.full(p.init_norm), farthest);
    for (int64_t step = 0; step < p.steps; ++step) {
      const Tensor now = answer(task, best, to_edge);
      const Tensor inside = task.threat.distance(task.x, now) <= room * (1 + 1e-6);
      target.propose(to_edge ? now : torch::where(per_image(inside), now, task.x));
      const Gradient g = target.gradient(x, loss);
      const Tensor distance = task.threat.distance(task.x, x);
      // A sample out of budget is shown its last logits, which are of another point.
      const Tensor hit = (gap(g.outputs, task.rows()) > 0) & target.active();
      const Tensor nearer =
          hit & (to_edge ? worth(task, distance) > worth(task, best_norm) : distance < best_norm);
      best = torch::where(per_image(nearer), x, best);
      best_norm = torch::where(nearer, distance, best_norm);

      norm =
          torch::minimum(torch::where(hit, norm * (1 - p.gamma), norm * (1 + p.gamma)), farthest);
      const Tensor delta = x - task.x + step_size(step) * direction(g.x, task.noise.at(step));
      x = pixels(task.x + per_image(norm) * unit(delta), low, high);
    }
    return answer(task, best, to_edge);
  }

  Tensor answer(const Task& task, const Tensor& best, bool to_edge) const {
    const Tensor found = to_edge ? at_edge(task, best) : best;
    return p.max_norm > 0 ? shortened(task, found) : found;
  }

  // How well a hit among noise shows the direction: a near one may be luck, so the farther the
  // better up to kLuck of the way to the edge, and from there on the nearer the better. [N]
  static Tensor worth(const Task& task, const Tensor& distance) {
    const Tensor least = kLuck * task.threat.epsilon.view(-1);
    return torch::where(distance > least, least + least * least / distance, distance)
        .masked_fill(distance.isinf(), -1);
  }

  // At the boundary half the draws are lost. Not rounded to
  // levels, which could leave the ball or be most of its radius.
  static Tensor at_edge(const Task& task, const Tensor& best) {
    return task.x + task.threat.project(task.x, task.threat.epsilon * unit(best - task.x));
  }

  // Not rounded either: it would no longer be of that norm.
  Tensor shortened(const Task& task, const Tensor& found) const {
    const Tensor size = per_image(task.threat.distance(task.x, found));
    return torch::where(size > p.max_norm, task.x + p.max_norm * unit(found - task.x), found);
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
    const Tensor none = (gradient == 0).flatten(1).all(1), along = unit(gradient);
    if (!none.any().item<bool>()) return along;
    return torch::where(per_image(none), noise.normal(gradient.sizes().slice(1)), along);
  }

  Tensor pixels(const Tensor& x, double low, double high) const {
    if (p.levels < 2) return x.clamp(low, high);
    const double steps = double(p.levels - 1), width = high - low;
    return (low + ((x - low) / width * steps).round() / steps * width).clamp(low, high);
  }
};
}  // namespace

GAUNTLET_ATTACK(Ddn, "ddn", "1.2.0", "decoupled direction and norm, smallest L2 perturbation");
