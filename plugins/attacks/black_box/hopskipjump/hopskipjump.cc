// HopSkipJump: a near adversarial input, from decisions alone. Chen et al., 2020,
// https://arxiv.org/abs/1904.02144
#include <algorithm>
#include <cmath>
#include <limits>

#include "gauntlet/plugin.h"

namespace {
using namespace gauntlet;

constexpr double kInfinity = std::numeric_limits<float>::infinity();
constexpr int64_t kValuesAtOnce = 1 << 16;  // of one sample, in the probes of one query
constexpr int64_t kStartHalvings = 10;      // a start is brought this near to the boundary
constexpr int64_t kMostHalvings = 24;       // float32 tells no more
constexpr int64_t kMostJumps = 16;
constexpr double kLuck = 0.6;         // of epsilon: among noise, nearer points show little
constexpr double kLeastPixel = 1e-6;  // float32 tells probes of this size from the point

struct Settings {
  int64_t steps = 40, init_evaluations = 100, max_evaluations = 10'000, start_tries = 100,
          votes = 0;
  double gamma = 1;
  std::string under_noise = "edge";

  void fields(auto&& visit) {
    visit(steps, "steps", "estimates of the direction, each with a jump along it",
          Range{1, 10'000});
    visit(init_evaluations, "init_evaluations",
          "probes of the first estimate; the j-th has √j times as many", Range{1, 100'000});
    visit(max_evaluations, "max_evaluations", "most probes of one estimate", Range{1, 1'000'000});
    visit(gamma, "gamma", "scale of the probes and of the bisection's tolerance", Range{1e-6, 1e6});
    visit(start_tries, "start_tries", "images of noise that are tried as a start",
          Range{1, 100'000});
    visit(votes, "votes", "decisions behind each question; 0: 1, or 5 on a defense with noise",
          Range{0, 1001});
    visit(under_noise, "under_noise",
          "on a defense with noise: the point's direction to the edge of the ball, or the point",
          OneOf{"edge", "nearest"});
  }
};

// What is asked, sample by sample. No query asks about a sample that cannot pay for it.
class Oracle {
 public:
  Oracle(Target& target, const Task& task, int64_t votes)
      : target_(target),
        task_(task),
        stochastic_(target.facts().stochastic),
        votes_(votes > 0     ? votes
               : stochastic_ ? 5
                             : 1),
        cost_(stochastic_ ? target.mc_samples() : 1) {}

  bool stochastic() const { return stochastic_; }
  // Decisions behind that many questions.
  int64_t decisions(int64_t questions) const { return questions * votes_; }
  // Those of the samples that have that many decisions left.
  Tensor able(const Tensor& sample, int64_t decisions) const {
    const Tensor can = target_.active() & (target_.budget_left() >= decisions * cost_);
    return sample.masked_select(can.index_select(0, sample));
  }
  // [R] bool: whether one decision reaches the goal. sample: [R]
  Tensor once(const Tensor& x, const Tensor& sample) const {
    const Tensor answer = target_.decisions(x, {.rows = sample});
    const Rows rows = task_.rows(sample);
    if (task_.goal == Goal::kTargeted) return answer == rows.target;
    if (task_.goal == Goal::kHypocritical) return answer == rows.y;
    return (answer != rows.y) & (answer >= 0);  // a refusal is no success
  }
  // [R] bool: whether most decisions do. The rest is not asked where it can change nothing.
  Tensor mostly(const Tensor& x, const Tensor& sample) const {
    Tensor open = torch::arange(sample.size(0), sample.options());
    const Tensor yes = torch::zeros_like(sample);
    for (int64_t v = 1; v <= votes_ && open.size(0) > 0; ++v) {
      const Tensor one = once(x.index_select(0, open), sample.index_select(0, open));
      yes.index_add_(0, open, one.to(torch::kLong));
      const Tensor undecided = (2 * yes <= votes_) & (2 * (v - yes) < votes_);
      open = open.masked_select(undecided.index_select(0, open));
    }
    return 2 * yes > votes_;
  }
  void propose(const Tensor& x) const { target_.propose(x); }

 private:
  Target& target_;
  const Task& task_;
  const bool stochastic_;
  const int64_t votes_, cost_;
};

// The search on one batch. All state is per sample; `sample` names those that a step is for.
class Search {
 public:
  Search(Target& target, const Task& task, const Settings& p)
      : p_(p),
        task_(task),
        oracle_(target, task, p.votes),
        linf_(task.threat.norm == Norm::kLinf),
        to_edge_(oracle_.stochastic() && p.under_noise == "edge"),
        pixels_(task.x[0].numel()),
        point_(task.x),
        best_(task.x),
        best_norm_(task.full(kInfinity)) {
    const double d = double(pixels_), tolerance = p.gamma / (d * (linf_ ? d : std::sqrt(d)));
    const auto halvings = int64_t(std::ceil(-std::log2(tolerance)));
    // Among noise the boundary is no sharper than a few draws show it.
    halvings_ =
        oracle_.stochastic() ? kStartHalvings : std::clamp(halvings, kStartHalvings, kMostHalvings);
    reserve_ = oracle_.decisions(halvings_ + 2);
  }

  Tensor run() {
    Tensor sample = approached(started(), kStartHalvings);
    for (int64_t step = 1; step <= p_.steps && sample.size(0) > 0; ++step) {
      sample = approached(sample, halvings_);
      const Tensor direction = estimate(sample, step);
      jump(sample, direction, step);
    }
    approached(sample, halvings_);
    return answer();
  }

 private:
  static Tensor of(const Tensor& per_sample, const Tensor& sample) {
    return per_sample.index_select(0, sample);
  }
  Tensor in_box(const Tensor& x) const { return x.clamp(task_.threat.low, task_.threat.high); }

  // Noise that is tried as a start, uniform in the box: of single pixels as in the paper, and every
  // other time of 1, 2 × 2 or 4 × 4 blocks, since many networks send all noise of pixels to one
  // class.
  Tensor start_of(const Tensor& sample, int64_t t) const {
    const auto shape = task_.x.sizes().slice(1);
    Noise noise = task_.noise.rows(sample).at(t);
    const int64_t blocks = int64_t{1} << t / 2 % 3;
    const Tensor u =
        t % 2 == 0
            ? noise.uniform(shape)
            : torch::upsample_nearest2d(
                  noise.uniform({shape[0], std::min(blocks, shape[1]), std::min(blocks, shape[2])}),
                  shape.slice(1));
    return task_.threat.low + (task_.threat.high - task_.threat.low) * u;
  }

  // Samples for which a try is adversarial.
  Tensor started() {
    const Tensor all = task_.rows().sample;
    Tensor open = all, found = torch::zeros_like(all).ne(0);
    for (int64_t t = 0; t < p_.start_tries; ++t) {
      open = oracle_.able(open, oracle_.decisions(1));
      if (open.size(0) == 0) break;
      const Tensor x = start_of(open, t);
      const Tensor hit = oracle_.mostly(x, open), at = hit.nonzero().squeeze(1);
      point_ = point_.index_copy(0, of(open, at), of(x, at));
      found = found.index_fill(0, of(open, at), true);
      open = open.masked_select(~hit);
    }
    return all.masked_select(found);
  }

  // Brings points to the boundary, on its adversarial side, by bisection of the way to their
  // images: L2 along a line, Linf by clipping. The samples that could pay for it.
  Tensor approached(const Tensor& wanted, int64_t halvings) {
    const Tensor sample = oracle_.able(wanted, oracle_.decisions(halvings));
    if (sample.size(0) == 0) return sample;
    const Tensor x = of(task_.x, sample), far = of(point_, sample), way = far - x;
    const Tensor distance = task_.threat.rows(sample).distance(x, far);
    const auto at = [&](const Tensor& share) {
      const Tensor s = per_image(linf_ ? share * distance : share);
      return in_box(x + (linf_ ? torch::clamp(way, -s, s) : s * way));
    };
    Tensor lower = torch::zeros_like(distance), upper = torch::ones_like(distance);
    if (to_edge_)
      lower = (kLuck * task_.threat.rows(sample).epsilon.view(-1) / distance.clamp_min(1e-30))
                  .clamp_max(1);
    for (int64_t i = 0; i < halvings; ++i) {
      const Tensor middle = (lower + upper) / 2, hit = oracle_.mostly(at(middle), sample);
      upper = torch::where(hit, middle, upper), lower = torch::where(hit, lower, middle);
    }
    const Tensor found = torch::where(per_image(upper == 1), far, at(upper));
    point_ = point_.index_copy(0, sample, found);
    const Tensor norm = task_.threat.distance(task_.x, point_);
    const Tensor nearer = (point_ != task_.x).flatten(1).any(1) & (norm < best_norm_);
    best_ = torch::where(per_image(nearer), point_, best_);
    best_norm_ = torch::where(nearer, norm, best_norm_);
    oracle_.propose(answer());
    return sample;
  }

  // Length of the probes: [N].
  Tensor probe_length(int64_t step) const {
    const double range = task_.threat.high - task_.threat.low, d = double(pixels_);
    if (step == 1 && !oracle_.stochastic()) return task_.full(0.1 * range);
    // A decision of chance shows a direction only if the probe goes far.
    if (oracle_.stochastic()) return length(point_ - task_.x).clamp_min(0.1 * range);
    const Tensor distance = task_.threat.distance(task_.x, point_);
    return (p_.gamma / d * distance).clamp_min(kLeastPixel * range * std::sqrt(d));
  }

  // [N, C, H, W]: where the boundary is crossed, as the mean over probes around the point.
  Tensor estimate(const Tensor& sample, int64_t step) {
    const auto wanted = std::min(int64_t(double(p_.init_evaluations) * std::sqrt(double(step))),
                                 p_.max_evaluations);
    const int64_t at_once = std::clamp<int64_t>(kValuesAtOnce / pixels_, 1, wanted);
    const Tensor size = probe_length(step), sum = torch::zeros_like(task_.x),
                 won = torch::zeros_like(task_.x), balance = task_.full(0), count = task_.full(0);
    for (int64_t asked = 0; asked < wanted; asked += at_once) {
      const int64_t n = std::min(at_once, wanted - asked);
      const Tensor open = oracle_.able(sample, n + reserve_);
      if (open.size(0) == 0) break;
      const Tensor rows = open.repeat_interleave(n), center = of(point_, rows);
      Noise noise = task_.noise.rows(rows).at(p_.start_tries + step, asked / at_once);
      const auto shape = task_.x.sizes().slice(1);
      const Tensor u = unit(linf_ ? 2 * noise.uniform(shape) - 1 : noise.normal(shape));
      const Tensor length = per_image(of(size, rows)), x = in_box(center + length * u);
      const Tensor moved = (x - center) / length;
      const Tensor sign = 2 * oracle_.once(x, rows).to(torch::kFloat) - 1;
      const auto add = [&](const Tensor& to, const Tensor& t) {
        to.index_add_(0, open, t.unflatten(0, {-1, n}).sum(1));
      };
      add(sum, moved), add(won, per_image(sign) * moved), add(balance, sign);
      count.index_add_(0, open, torch::full_like(open, n).to(torch::kFloat));
    }
    const Tensor mean = balance / count.clamp_min(1);
    const Tensor along = torch::where(per_image(mean.abs() == 1), won, won - per_image(mean) * sum);
    return linf_ ? along.sign() : unit(along);
  }

  // Goes along the direction, half as far each time, until the point is adversarial again.
  void jump(Tensor sample, const Tensor& direction, int64_t step) {
    Tensor size = task_.threat.distance(task_.x, point_) / std::sqrt(double(step));
    for (int64_t i = 0; i < kMostJumps; ++i, size = size / 2) {
      sample = oracle_.able(sample, oracle_.decisions(1));
      if (sample.size(0) == 0) return;
      const Tensor x =
          in_box(of(point_, sample) + per_image(of(size, sample)) * of(direction, sample));
      const Tensor hit = oracle_.mostly(x, sample), at = hit.nonzero().squeeze(1);
      point_ = point_.index_copy(0, of(sample, at), of(x, at));
      sample = sample.masked_select(~hit);
    }
  }

  // Inside the ball; the image itself where nothing is. At the boundary half the draws are lost.
  Tensor answer() const {
    const ThreatModel& threat = task_.threat;
    if (to_edge_)
      return task_.x +
             threat.project(task_.x, threat.epsilon * unit(point_ - task_.x, threat.norm));
    return torch::where(per_image(best_norm_) <= threat.epsilon, best_, task_.x);
  }

  const Settings& p_;
  const Task& task_;
  const Oracle oracle_;
  const bool linf_, to_edge_;
  const int64_t pixels_;
  int64_t halvings_ = 0, reserve_ = 0;
  Tensor point_;             // adversarial, or the image where there was no start
  Tensor best_, best_norm_;  // the nearest that was brought to the boundary
};

struct HopSkipJump final : Attack {
  using Params = Settings;
  Params p;

  AttackFacts facts() const override { return {.access = Access::kDecision, .minimal_norm = true}; }

  std::string unsupported(const ThreatModel& threat, const TargetFacts&, Goal) const override {
    return threat.norm == Norm::kL1 ? "hopskipjump has an Linf and an L2 form, none for L1" : "";
  }

  Tensor run(Target& target, const Task& task) override { return Search(target, task, p).run(); }
};
}  // namespace

GAUNTLET_ATTACK(HopSkipJump, "hopskipjump", "1.0.0",
                "smallest Linf or L2 perturbation from decisions");
