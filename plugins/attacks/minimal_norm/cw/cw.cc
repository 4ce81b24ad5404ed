// Carlini and Wagner's attack: smallest perturbation in L2 or Linf, by Adam on a distance plus c
// times a hinge on the logits. Carlini & Wagner, 2017, https://arxiv.org/abs/1608.04644
#include <algorithm>
#include <limits>
#include <memory>

#include "gauntlet/plugin.h"

namespace {
using namespace gauntlet;

constexpr double kInfinity = std::numeric_limits<float>::infinity();
constexpr double kNoUpper = 1e10;  // no c has won yet; no c is larger
constexpr double kSlope = 10;      // of the hinge at the input, for which c is meant
constexpr double kLuck = 0.6;      // of epsilon: among noise, hits that are nearer show little

struct Settings {
  int64_t rounds = 6, steps = 200;
  double learning_rate = 0.05, initial_c = 0.1, kappa = 0, tau_shrink = 0.9, inset = 1e-3;
  bool abort_early = true;
  std::string under_noise = "edge";

  void fields(auto&& visit) {
    visit(rounds, "rounds", "L2: values of c; Linf: rounds that may be lost", Range{1, 1000});
    visit(steps, "steps", "most gradient steps of a round", Range{1, 100'000});
    visit(learning_rate, "learning_rate", "of Adam; L2: in tanh space, Linf: in units of tau",
          Range{1e-6, 10});
    visit(initial_c, "initial_c", "weight of the logits in the first round", Range{1e-9, 1e9});
    visit(kappa, "kappa", "margin by which the logits must win", Range{0, 1e6});
    visit(tau_shrink, "tau_shrink", "Linf: the next tau, as a share of the distance reached",
          Range{0.01, 0.9999});
    visit(inset, "inset", "L2: how far inside the box tanh space begins, as a share of it",
          Range{1e-6, 0.1});
    visit(abort_early, "abort_early",
          "end a round that makes no progress (not where the defense draws noise)");
    visit(
        under_noise, "under_noise",
        "on a defense with noise: the nearest hit's direction to the edge of the ball, or that hit",
        OneOf{"edge", "nearest"});
  }
};

// Adam for many samples, each with a clock of its own. Kingma & Ba, 2015
class Adam {
 public:
  explicit Adam(const Tensor& x)
      : mean_(torch::zeros_like(x)),
        square_(torch::zeros_like(x)),
        left1_(torch::ones({x.size(0)}, x.options().dtype(torch::kDouble))),
        left2_(left1_) {}

  // What to subtract at a learning rate of 1.
  Tensor step(const Tensor& gradient) {
    mean_ = kBeta1 * mean_ + (1 - kBeta1) * gradient;
    square_ = kBeta2 * square_ + (1 - kBeta2) * gradient.square();
    left1_ = kBeta1 * left1_;  // products: pow() rounds otherwise in another batch
    left2_ = kBeta2 * left2_;
    const auto bias = [&](const Tensor& left) { return per_image(1 - left).to(mean_.dtype()); };
    return mean_ / bias(left1_) / ((square_ / bias(left2_)).sqrt() + kEpsilon);
  }
  void restart(const Tensor& which) {
    mean_ = mean_.masked_fill(per_image(which), 0);
    square_ = square_.masked_fill(per_image(which), 0);
    left1_ = left1_.masked_fill(which, 1);
    left2_ = left2_.masked_fill(which, 1);
  }

 private:
  static constexpr double kBeta1 = 0.9, kBeta2 = 0.999, kEpsilon = 1e-8;
  Tensor mean_, square_, left1_, left2_;
};

// A round is one descent; each sample has its own, [N, ...].
struct Rounds {
  Tensor c;                   // weight of the hinge
  Tensor best, norm;          // the nearest hit and its distance; infinite: none
  Tensor hit;                 // in this round
  Tensor step, round, total;  // int64: in this round, those that count, in all rounds
  Tensor checked;             // loss at the last check of progress
  Tensor slope;               // length of the hinge's first gradient; 0: there was none yet
};

// The norm's part of the attack: where the search moves, what it pays for distance, and what
// follows a round.
struct Form {
  struct Price {
    Tensor value, slope;  // [N], [N, C, H, W]
  };
  virtual ~Form() = default;
  virtual Tensor image() const = 0;
  virtual Price price(const Tensor& delta) const = 0;
  // One descent along a gradient in the image.
  virtual void move(const Tensor& gradient) = 0;
  // A hit at this distance ends its round.
  virtual Tensor ends(const Tensor& distance) const = 0;
  // After rounds have ended; the answer: which of them count, [N].
  virtual Tensor next(const Tensor& ended, Rounds& r) = 0;
};

// Squared distance, in tanh space, which has no box; c is found by bisection.
class L2 final : public Form {
 public:
  L2(const Task& task, const Tensor& start, const Settings& p)
      : low_(task.threat.low),
        width_(task.threat.high - task.threat.low),
        rate_(p.learning_rate),
        inset_(p.inset),
        rounds_(p.rounds),
        start_(encode(start)),
        z_(start_),
        lower_(task.full(0)),
        upper_(task.full(kNoUpper)),
        adam_(task.x) {}

  Tensor image() const override {
    return (low_ + width_ * (torch::tanh(z_) + 1) / 2).clamp(low_, low_ + width_);
  }
  Price price(const Tensor& delta) const override {
    return {delta.square().flatten(1).sum(1), 2 * delta};
  }
  void move(const Tensor& gradient) override {
    const Tensor slope = width_ / 2 * (1 - torch::tanh(z_).square());
    z_ = z_ - rate_ * adam_.step(gradient * slope);
  }
  Tensor ends(const Tensor& distance) const override { return torch::zeros_like(distance).ne(0); }

  Tensor next(const Tensor& ended, Rounds& r) override {
    upper_ = torch::where(ended & r.hit, torch::minimum(upper_, r.c), upper_);
    lower_ = torch::where(ended & ~r.hit, torch::maximum(lower_, r.c), lower_);
    const Tensor won_once = upper_ < kNoUpper / 10;
    Tensor c = torch::where(won_once, (lower_ + upper_) / 2, torch::where(r.hit, r.c, 10 * r.c));
    if (rounds_ >= 10) c = torch::where(r.round + 2 == rounds_, upper_, c);  // once more, surely
    r.c = torch::where(ended, c.clamp_max(kNoUpper), r.c);
    z_ = torch::where(per_image(ended), start_, z_);
    adam_.restart(ended);
    return ended;
  }

 private:
  Tensor encode(const Tensor& x) const {
    const Tensor v = (2 * (x - low_) / width_ - 1) * (1 - inset_);
    return (v.log1p() - (-v).log1p()) / 2;  // atanh, whose bits depend on the batch
  }
  const double low_, width_, rate_, inset_;
  const int64_t rounds_;
  const Tensor start_;
  Tensor z_, lower_, upper_;
  Adam adam_;
};

// What exceeds tau, in the pixels themselves: in tanh space those near the edges of the box lag
// behind, and Linf needs all. tau shrinks after each won round.
class Linf final : public Form {
 public:
  Linf(const Task& task, const Tensor& start, const Settings& p)
      : x_(task.x),
        threat_(task.threat),
        rate_(p.learning_rate),
        shrink_(p.tau_shrink),
        delta_(start - task.x),
        tau_(task.full(task.threat.high - task.threat.low)),
        adam_(task.x) {}

  Tensor image() const override { return (x_ + delta_).clamp(threat_.low, threat_.high); }
  Price price(const Tensor& delta) const override {
    const Tensor excess = (delta.abs() - per_image(tau_)).clamp_min(0);
    return {excess.flatten(1).sum(1), delta.sign() * (excess > 0)};
  }
  void move(const Tensor& gradient) override {
    const Tensor step = rate_ * per_image(tau_) * adam_.step(gradient);
    delta_ = (x_ + delta_ - step).clamp(threat_.low, threat_.high) - x_;
  }
  Tensor ends(const Tensor& distance) const override { return distance < tau_; }

  Tensor next(const Tensor& ended, Rounds& r) override {
    const Tensor won = ended & r.hit & (r.norm < tau_), lost = ended & ~won;
    tau_ = torch::where(won, shrink_ * r.norm, tau_);
    r.c = torch::where(lost, 2 * r.c, r.c).clamp_max(kNoUpper);
    delta_ = torch::where(per_image(ended & r.norm.isfinite()), r.best - x_, delta_);
    adam_.restart(ended);
    return lost;
  }

 private:
  const Tensor x_;
  const ThreatModel& threat_;
  const double rate_, shrink_;
  Tensor delta_, tau_;
  Adam adam_;
};

struct Cw final : Attack {
  using Params = Settings;
  Params p;

  AttackFacts facts() const override {
    return {.access = Access::kGradient, .minimal_norm = true, .confidence = p.kappa};
  }

  std::string unsupported(const ThreatModel& threat, const TargetFacts&, Goal) const override {
    return threat.norm == Norm::kL1 ? "cw has an L2 and an Linf form, none for L1" : "";
  }

  Tensor run(Target& target, const Task& task) override {
    const std::unique_ptr<Form> form = form_of(task);
    const Loss loss = hinge(task), gap = margin(task.goal);
    // A loss that moves by chance does not show a standstill.
    const bool noise = target.facts().stochastic, aborts = p.abort_early && !noise;
    const bool to_edge = noise && p.under_noise == "edge";
    const int64_t interval = std::max<int64_t>(1, p.steps / 10);
    Rounds r = first(task);
    for (Tensor rows = task.rows().sample; rows.size(0) > 0;
         rows = going_on(r).nonzero().squeeze(1)) {
      const Tensor within = task.threat.epsilon >= per_image(r.norm);
      target.propose(to_edge ? at_edge(task, r) : torch::where(within, r.best, task.x));
      const Tensor x = form->image(), distance = task.threat.distance(task.x, x);
      const Gradient g = target.gradient(x.index_select(0, rows), loss, {.rows = rows});
      const auto all = [&](const Tensor& of_rows, const Tensor& like) {  // [R, ...] -> [N, ...]
        return torch::zeros_like(like).index_copy(0, rows, of_rows);
      };
      const Tensor reached = gap(g.outputs, task.rows(rows)) > p.kappa;
      // A sample out of budget is shown its last logits, which are of another point.
      Tensor hit = all(reached, r.hit) & target.active();
      const Tensor nearer =
          hit & (to_edge ? worth(task, distance) > worth(task, r.norm) : distance < r.norm);
      if (to_edge) hit = hit & (distance > kLuck * task.threat.epsilon.view(-1));
      r.best = torch::where(per_image(nearer), x, r.best);
      r.norm = torch::where(nearer, distance, r.norm);
      r.hit = r.hit | hit;
      const Form::Price price = form->price(x - task.x);
      // Whatever the scale of the logits, c weighs them alike.
      const Tensor gradient = all(g.x, x);
      r.slope = torch::where(r.slope == 0, length(gradient), r.slope);
      const Tensor unit = r.slope.masked_fill(r.slope == 0, 1);
      const Tensor total = price.value - r.c * (kSlope * all(g.loss, r.c) / unit);
      form->move(price.slope - per_image(r.c) * (kSlope * gradient / per_image(unit)));

      // Not judged: the first tenth, in which Adam finds its scale.
      const Tensor checks = (r.step.remainder(interval) == 0) & (r.step > 0);
      Tensor ended = (hit & form->ends(distance)) | (r.step + 1 == p.steps);
      if (aborts) ended = ended | (checks & (total > 0.9999 * r.checked));
      r.checked = torch::where(checks, total, r.checked);
      r.step = r.step + 1;
      r.total = r.total + 1;
      if (ended.any().item<bool>()) next(*form, ended, r);
    }
    return to_edge ? at_edge(task, r) : r.best;
  }

 private:
  // How well a hit among noise shows the direction: a near one may be luck, so the farther the
  // better up to kLuck of the way to the edge, and from there on the nearer the better. [N]
  static Tensor worth(const Task& task, const Tensor& distance) {
    const Tensor least = kLuck * task.threat.epsilon.view(-1);
    return torch::where(distance > least, least + least * least / distance, distance)
        .masked_fill(distance.isinf(), -1);
  }
  // At the boundary half the draws are lost.
  static Tensor at_edge(const Task& task, const Rounds& r) {
    const Tensor along = unit(r.best - task.x, task.threat.norm);
    return task.x + task.threat.project(task.x, task.threat.epsilon * along);
  }

  // The input; a restart begins at a random point of half the ball.
  std::unique_ptr<Form> form_of(const Task& task) const {
    Tensor start = task.x;
    if (task.restart > 0) {
      Noise noise = task.noise.at(0);
      start = task.x + task.threat.project(task.x, 0.5 * task.threat.random(task.x, noise));
    }
    if (task.threat.norm == Norm::kL2) return std::make_unique<L2>(task, start, p);
    return std::make_unique<Linf>(task, start, p);
  }

  Rounds first(const Task& task) const {
    const Tensor zero = torch::zeros_like(task.y);
    return {.c = task.full(p.initial_c),
            .best = task.x,
            .norm = task.full(kInfinity),
            .hit = zero.ne(0),
            .step = zero,
            .round = zero,
            .total = zero,
            .checked = task.full(kInfinity),
            .slope = task.full(0)};
  }

  Tensor going_on(const Rounds& r) const {
    return (r.round < p.rounds) & (r.total < p.rounds * p.steps);
  }

  static void next(Form& form, const Tensor& ended, Rounds& r) {
    r.round = r.round + form.next(ended, r);
    r.step = r.step.masked_fill(ended, 0);
    r.hit = r.hit & ~ended;
    r.checked = r.checked.masked_fill(ended, kInfinity);
  }

  // Minus f: what is climbed, less kappa, until the goal is reached by that margin.
  Loss hinge(const Task& task) const {
    return [own = task.loss_or(margin), gap = margin(task.goal), kappa = p.kappa](
               const Outputs& out, const Rows& rows) {
      return (own(out, rows) - kappa).masked_fill(gap(out, rows).detach() > kappa, 0);
    };
  }
};
}  // namespace

GAUNTLET_ATTACK(Cw, "cw", "1.2.0", "Carlini and Wagner, smallest L2 or Linf perturbation");
