// Facts from the authors' release (https://github.com/fra31/auto-attack): what is compared with
// what at a check, where momentum begins after it, and all numbers of the L1 form.
#include "auto_ascent.h"

#include <limits>

#include "../gradient_steps.h"

namespace gauntlet::apgd {
namespace {

constexpr double kLongest = 2, kMomentum = 0.25;
// L1: the longest step and the shortest, what divides it, and what divides the number of
// coordinates that the best point changes: the next steps go to as many.
constexpr double kLongestL1 = 1, kShortestL1 = 0.1, kShorterL1 = 1.5, kSparserL1 = 1.5;
constexpr double kThinnedL1 = 0.95;  // of the support: less is progress

Tensor chosen(const Tensor& which, const Tensor& these, const Tensor& others) {
  return torch::where(which.dim() == these.dim() ? which : per_image(which), these, others);
}
}  // namespace

Tensor AutoAscent::run(const Tensor& start, int64_t steps) {
  const bool sparse = hill_.ball.norm == Norm::kL1;
  delta_ = before_ = best_ = start;
  best_value_ = hill_.task.full(-std::numeric_limits<float>::infinity());
  length_ = hill_.task.full(sparse ? kLongestL1 : kLongest);
  rises_ = hill_.task.full(0);
  halved_ = torch::ones_like(hill_.task.y, torch::kBool);
  support_ = support(start);
  look(false);
  checked_ = best_value_;
  if (rules_.compat_zero_start) value_ = torch::zeros_like(value_);
  std::vector<int64_t> windows = check_windows(steps);
  if (sparse) windows.assign(size_t(steps), std::max<int64_t>(steps * 4 / 100, 1));
  size_t window = 0;
  for (int64_t i = 0, since = 0; i < steps; ++i) {
    const Tensor next = step(i == 0), last_value = value_;
    before_ = delta_, delta_ = next;
    look(i + 1 == steps);
    rises_ = rises_ + (value_ > last_value);
    if (window == windows.size() || ++since < windows[window]) continue;
    sparse ? review_sparsity() : review(windows[window]);
    ++window, since = 0;
  }
  if (!hill_.target.facts().stochastic) return best_;
  // The best of many was lucky with their noise: the last one may be as good.
  const Tensor last_is = loss_at(delta_, hill_.key + 1) > loss_at(best_, hill_.key + 1);
  return chosen(last_is, delta_, best_);
}

Tensor AutoAscent::loss_at(const Tensor& delta, int64_t key) const {
  return hill_.target.losses(hill_.task.x + delta, hill_.loss, {.noise = Draw::kFixed, .key = key});
}

// Asks about the iterate, and keeps it where it is the best.
void AutoAscent::look(bool last) {
  const Task& task = hill_.task;
  if (!last) {
    const Query query{.noise = rules_.fixed_noise ? Draw::kFixed : Draw::kFresh, .key = hill_.key};
    const Gradient at = hill_.target.gradient(task.x + delta_, hill_.loss, query);
    gradient_ = at.x, value_ = at.loss;
  }
  // Fresh draws of the gradient are new at every step: two losses on them differ by luck, too.
  if (last || hill_.target.facts().stochastic) value_ = loss_at(delta_, hill_.key);
  const Tensor better = (value_ > best_value_) & hill_.target.active();
  best_ = chosen(better, delta_, best_);
  best_gradient_ = best_gradient_.defined() ? chosen(better, gradient_, best_gradient_) : gradient_;
  best_value_ = chosen(better, value_, best_value_);
  if (hill_.propose) hill_.target.propose(task.x + best_);
}

Tensor AutoAscent::step(bool first) const {
  const Tensor& x = hill_.task.x;
  const ThreatModel& ball = hill_.ball;
  const bool sparse = ball.norm == Norm::kL1;
  const Tensor direction = sparse ? sparse_direction() : ball.steepest(gradient_);
  const Tensor ahead = ball.project(x, delta_ + per_image(length_) * ball.epsilon * direction);
  if (first || sparse) return ahead;
  return ball.project(x,
                      delta_ + (1 - kMomentum) * (ahead - delta_) + kMomentum * (delta_ - before_));
}

// [N] coordinates that are changed, but not as far as the box lets them.
Tensor AutoAscent::support(const Tensor& delta) const {
  const ThreatModel& ball = hill_.ball;
  const Tensor x = hill_.task.x + delta;
  const Tensor inside = (x > ball.low + 1e-6) & (x < ball.high - 1e-6);
  return (inside & (delta != 0)).flatten(1).sum(1).to(torch::kFloat);
}

// Shared by the largest coordinates of the gradient that the box does not hold back. Larger ones
// that it holds are pushed against it, lest the projection takes from them what these win.
Tensor AutoAscent::sparse_direction() const {
  const Tensor free =
      hill_.ball.held_by_box(hill_.task.x + delta_, gradient_).logical_not().flatten(1);
  const Tensor size = gradient_.abs().flatten(1);
  const Tensor count = (support_ / kSparserL1).floor().clamp(1, double(size.size(1)));
  const Tensor sorted = std::get<0>((size * free).sort(1, /*descending=*/true));
  const Tensor least = sorted.gather(1, count.to(torch::kLong).unsqueeze(1) - 1);
  const Tensor taken = (size >= least) & (size > 0);
  const Tensor shares = (taken & free).sum(1, /*keepdim=*/true).clamp_min(1);
  return gradient_.sign() * (taken / shares).view_as(gradient_);
}

// Halves the step size where the loss no longer rises, or has not risen since the last check
// although the step size was the same.
void AutoAscent::review(int64_t window) {
  const Tensor rarely = rises_ <= rules_.rho * double(window);
  halved_ = rarely | (halved_.logical_not() & (checked_ >= best_value_));
  length_ = chosen(halved_, length_ / 2, length_);
  back_to_best(halved_);
  checked_ = best_value_;
  rises_ = torch::zeros_like(rises_);
}

// Begins anew with long steps where the best point has become sparser.
void AutoAscent::review_sparsity() {
  const Tensor now = support(best_), sparser = now < kThinnedL1 * support_;
  length_ = chosen(sparser, torch::full_like(length_, kLongestL1),
                   (length_ / kShorterL1).clamp_min(kShortestL1));
  back_to_best(sparser);
  support_ = now;
}

// Momentum still begins where the last step began.
void AutoAscent::back_to_best(const Tensor& which) {
  delta_ = chosen(which, best_, delta_);
  gradient_ = chosen(which, best_gradient_, gradient_);
}

}  // namespace gauntlet::apgd
