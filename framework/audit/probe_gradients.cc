// What gradients are worth: whether there are any, and whether they are the slope of the loss.
#include <algorithm>
#include <cmath>

#include "audit/probe_groups.h"

namespace gauntlet::audit {
namespace {
using results::Check;
using results::Level;

// A gradient is as good as none where a linear loss would rise by less than this share of the
// margin from the image to the edge of the ball: 0.13 of it and more in the median of honest ones.
constexpr double kHardly = 1e-3;
constexpr double kFewVanish = 0.1, kMostVanish = 0.5;
// Cross-entropy is exactly 0 for half of the images of a confident MNIST network without a defense.
constexpr double kMostSaturated = 0.7;
constexpr double kMostNotFinite = 0.01, kMostAtBounds = 0.1;
constexpr double kLargest = 1e15;  // squares of larger ones overflow in float32

// [N] double: how far a linear loss with this gradient rises over a step of unit length.
Tensor slope_in(Norm norm, const Tensor& gradient) {
  const Tensor g = gradient.flatten(1).to(torch::kDouble).abs();
  if (norm == Norm::kLinf) return g.sum(1);
  return norm == Norm::kL2 ? g.square().sum(1).sqrt() : g.amax(1);
}

struct Gradients {
  Tensor cross_entropy, margin;  ///< [N] double: largest entry
  Tensor loss, gap;              ///< [N] values
  Tensor rise;                   ///< [N] of the margin, by first order, over epsilon
  Tensor at_bounds;              ///< [N] bool
};

Gradients ask_gradients(const Subject& subject, const evaluation::CraftBatch& images) {
  Question question(subject, images, Purpose::kSlope);
  const std::vector<Loss> losses = {cross_entropy(Goal::kUntargeted), margin(Goal::kUntargeted)};
  const std::vector<Gradient> all = question.target().gradients(images.x, losses, {});
  const auto largest = [](const Gradient& one) {
    return one.x.flatten(1).abs().amax(1).to(torch::kDouble);
  };
  return {largest(all[0]),
          largest(all[1]),
          all[0].loss,
          all[1].loss,
          subject.epsilon * slope_in(subject.norm, all[1].x),
          question.target().told().bounds};
}

Level level_of(double found, double few, double many) {
  return found > many ? Level::kFail : found > few ? Level::kWarn : Level::kPass;
}
}  // namespace

void probe_gradients(const Subject& subject, Checks& out) {
  const evaluation::CraftBatch images = subject.right_ones();
  const int64_t n = images.x.size(0);
  if (n == 0) return;
  const Gradients g = ask_gradients(subject, images);
  const Tensor finite =
      g.cross_entropy.isfinite() & g.margin.isfinite() & g.loss.isfinite() & g.gap.isfinite();
  const Tensor vanished =
      finite & ((g.margin == 0) | (g.rise < kHardly * g.gap.to(torch::kDouble).abs()));
  const Tensor saturated =
      finite & vanished.logical_not() & ((g.loss == 0) | (g.cross_entropy == 0));
  const double not_finite = share(finite.logical_not());
  const double largest =
      n > count(finite.logical_not()) ? g.margin.masked_select(finite).max().item<double>() : 0;

  const auto add = [&](const char* code, const Tensor& hits, Level level) -> Check& {
    out.push_back({{code, {{"samples", count(hits)}, {"of", n}}}, level});
    return out.back();
  };
  add("gradients_vanish", vanished, level_of(share(vanished), kFewVanish, kMostVanish))
      .finding.figures["rise"] =
      median_of(g.rise / g.gap.to(torch::kDouble).abs().clamp_min(1e-30));
  add("gradients_saturate", saturated,
      share(saturated) > kMostSaturated ? Level::kWarn : Level::kPass);
  Level level = level_of(not_finite, 0, kMostNotFinite);
  if (level == Level::kPass && largest > kLargest) level = Level::kWarn;
  add("gradients_not_finite", finite.logical_not(), level).finding.figures["largest"] = largest;
  add("box_edge", g.at_bounds, share(g.at_bounds) > kMostAtBounds ? Level::kWarn : Level::kPass);
}

}  // namespace gauntlet::audit
