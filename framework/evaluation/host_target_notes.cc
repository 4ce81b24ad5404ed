// What queries told the attack: exact zeros, what is not finite, bounds without a gradient.
#include <bit>

#include "evaluation/host_target.h"

namespace gauntlet::evaluation {
namespace {

// How far inside the box a retry asks for gradients, as a share of it: what bfloat16 can tell from
// the bound, too.
constexpr double kHair = 1e-5, kCoarseHair = 1.0 / 128;
// Fewer pixels on a bound say nothing of it.
constexpr double kFewestBound = 0.01;

// The first gradient, the 4th, 16th, …: where there is none at a bound, there is none in all of
// them.
bool looks_at_bounds(int64_t gradients) {
  const auto next = uint64_t(gradients) + 1;
  return std::has_single_bit(next) && std::countr_zero(next) % 2 == 0;
}
}  // namespace

// What a query told, per sample; without a look at any value, so that nothing waits for it.
void HostTarget::note(const Pass& pass, const Tensor& loss, const Tensor& slope,
                      const Tensor& gap) {
  const auto number = [](const Tensor& t) { return t.to(torch::kLong); };
  const Tensor none = torch::zeros_like(pass.rows.sample);
  std::vector<Tensor> columns(kNotes, none);
  columns[kAsked] = torch::ones_like(none);
  const Tensor short_of_goal = gap <= 0;  // beyond it nothing has to pull: a hinge is 0 there
  // On the decision boundary itself a difference of logits is 0, and its gradient tells where to
  // go.
  Tensor nothing = loss.eq(0) & (gap < 0), finite = loss.isfinite();
  if (slope.defined()) {
    const Tensor largest = slope.flatten(1).abs().amax(1);  // NaN where one is
    const Tensor zero = largest.eq(0);
    nothing = nothing | zero, finite = finite & largest.isfinite();
    columns[kGradients] = number(short_of_goal);
    columns[kZero] = number(zero & short_of_goal);
    if (looks_at_bounds(noted_)) columns[kBounds] = number(masked_at_bounds(pass, slope));
    ++noted_;
  }
  columns[kNothing] = number(nothing & short_of_goal);
  columns[kNotFinite] = number(finite.logical_not());
  Tensor told = torch::stack(columns, 1);
  if (!pass.keep.defined() || !rules_.compact || model_.couples_rows())  // with inactive samples
    told = told * pass.rows.of(active()).unsqueeze(1);
  notes_ = pass.whole && !pass.keep.defined() ? notes_ + told
                                              : notes_.index_add(0, pass.rows.sample, told);
}

// [r] bool: not one pixel on a bound of the box has a gradient, where most others have. An attack
// puts pixels there, and a network's own clipping may have slope 0 at its ends.
Tensor HostTarget::masked_at_bounds(const Pass& pass, const Tensor& slope) const {
  const auto count = [](const Tensor& t) { return t.flatten(1).sum(1); };
  const Tensor zero = slope.eq(0), low = pass.x.le(task_.threat.low),
               high = pass.x.ge(task_.threat.high);
  const int64_t pixels = slope[0].numel();
  const Tensor zeros = count(zero);
  Tensor masked = torch::zeros_like(zeros);
  for (const Tensor& bound : {low, high}) {
    const Tensor here = count(bound);
    masked =
        masked + here * ((count(bound & zero) == here) & (here >= kFewestBound * double(pixels)));
  }
  return (masked > 0) & ((pixels - zeros) * 2 > pixels - masked);
}

// Where gradients are asked for: at x itself, or, in a retry, nowhere on a bound.
Tensor HostTarget::asked_at(const Tensor& x) const {
  if (!inwards_) return x;
  const ThreatModel& threat = task_.threat;
  const double hair = (threat.high - threat.low) * (halves(rules_.mode) ? kCoarseHair : kHair);
  return x.clamp(threat.low + hair, threat.high - hair);
}

HostTarget::Told HostTarget::told() const {
  const auto column = [&](Note note) { return notes_.select(1, note); };
  return {(column(kGradients) > 0) & (column(kZero) == column(kGradients)), column(kNothing) > 0,
          (column(kAsked) > 0) & (column(kNothing) == column(kAsked)), column(kNotFinite) > 0,
          column(kBounds) > 0};
}

void HostTarget::retry(const Tensor& samples) {
  retire(samples.logical_not());
  notes_ = torch::zeros_like(notes_);
  inwards_ = true, noted_ = 0;
}

}  // namespace gauntlet::evaluation
