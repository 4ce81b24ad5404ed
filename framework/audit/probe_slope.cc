// Whether gradients are the slope of the loss, at the scales at which attacks step.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "audit/probe_groups.h"

namespace gauntlet::audit {
namespace {
using results::Check;
using results::Level;

constexpr int64_t kSlopeImages = 48, kDirections = 4;
// Of epsilon. Small ones show wrong gradients; large ones stairs with a ripple on them.
constexpr double kScales[] = {1.0 / 64, 1.0 / 16, 1.0 / 4, 1.0 / 2};
// Cosine of what gradients predict and what the loss does in directions of chance, in the median
// image at the best scale: 0.989 and more for the networks that ship, 0 for gradients of something
// else.
constexpr double kFits = 0.9, kDoesNotFit = 0.5;
// Share of images whose loss rises along the gradient at every scale: all of them for the networks
// that ship, one half for a direction of chance.
constexpr double kRises = 0.9, kDoesNotRise = 0.7;
// Differences below this share of the loss are rounding.
constexpr double kRounding = 2e-6;

// What gradients say and what the loss does, [points, directions] a row.
struct Slopes {
  Tensor predicted, seen, certain;
};

class Slope {
 public:
  Slope(const Subject& subject, evaluation::CraftBatch images)
      : s_(subject),
        images_(std::move(images)),
        question_(s_, images_, Purpose::kSlope),
        ball_(s_.ball(s_.epsilon)) {
    query_.noise = Draw::kFixed;
    query_.average = Average::kLoss;
    query_.draws = s_.draws;
  }

  // Adds what is seen around these points.
  void look(const Tensor& x, int64_t point) {
    const double margin_of_box = std::min(0.25, s_.epsilon / 2);
    const Tensor base = x.clamp(margin_of_box, 1 - margin_of_box);
    query_.key = point;
    const Tensor gradient = question_.target().gradient(base, loss_, query_).x;
    const Tensor upward = ball_.steepest(gradient);
    for (size_t i = 0; i < std::size(kScales); ++i) {
      const Slopes along = difference(base, gradient, upward, kScales[i] * s_.epsilon);
      rises_[i].push_back(along.seen > 0);
      ratio_[i].push_back(along.seen / along.predicted);
      if (!s_.model.surrogate() && !s_.model.own_randomness()) compare(base, gradient, i, point);
    }
  }

  // The median cosine at a scale; NaN where rounding hides all.
  double fit(size_t scale) const {
    if (cosines_[scale].empty()) return std::nan("");
    const Tensor all = torch::cat(cosines_[scale]);
    const Tensor known = all.masked_select(all.isfinite());
    return known.numel() < 8 ? std::nan("") : median_of(known);
  }
  double rises(size_t scale) const { return share(torch::cat(rises_[scale])); }
  double ratio(size_t scale) const { return median_of(torch::cat(ratio_[scale])); }

 private:
  Slopes difference(const Tensor& base, const Tensor& gradient, const Tensor& direction,
                    double length) {
    const Tensor above = question_.target().losses(base + length * direction, loss_, query_);
    const Tensor below = question_.target().losses(base - length * direction, loss_, query_);
    const Tensor seen = (above.to(torch::kDouble) - below.to(torch::kDouble)) / (2 * length);
    const Tensor predicted =
        (gradient.to(torch::kDouble) * direction.to(torch::kDouble)).flatten(1).sum(1);
    const Tensor scale = torch::maximum(above.abs(), below.abs()).to(torch::kDouble);
    return {predicted, seen, (predicted.abs() * 2 * length) > 20 * kRounding * scale};
  }

  void compare(const Tensor& base, const Tensor& gradient, size_t scale, int64_t point) {
    std::vector<Tensor> predicted, seen, certain;
    for (int64_t d = 0; d < kDirections; ++d) {
      Noise noise = s_.noise(Purpose::kSlope, images_).at(1 + point, d);
      const Tensor direction = ball_.steepest(noise.normal(base.sizes().slice(1)));
      const Slopes one = difference(base, gradient, direction, kScales[scale] * s_.epsilon);
      predicted.push_back(one.predicted), seen.push_back(one.seen), certain.push_back(one.certain);
    }
    const Tensor p = torch::stack(predicted, 1), o = torch::stack(seen, 1);
    const Tensor cosine =
        (p * o).sum(1) / (p.square().sum(1).sqrt() * o.square().sum(1).sqrt()).clamp_min(1e-300);
    // An image counts where rounding hides none of its directions.
    cosines_[scale].push_back(
        cosine.masked_fill(torch::stack(certain, 1).all(1).logical_not(), std::nan("")));
  }

  const Subject& s_;
  const evaluation::CraftBatch images_;
  Question question_;
  const ThreatModel ball_;
  const Loss loss_ = margin(Goal::kUntargeted);
  Query query_;
  std::vector<Tensor> cosines_[std::size(kScales)], rises_[std::size(kScales)],
      ratio_[std::size(kScales)];
};

Level level_of_fit(double found, double warns, double fails) {
  if (std::isnan(found)) return Level::kPass;
  return found < fails ? Level::kFail : found < warns ? Level::kWarn : Level::kPass;
}
}  // namespace

void probe_slope(const Subject& subject, Checks& out) {
  const evaluation::CraftBatch images = subject.right_ones(kSlopeImages);
  if (images.x.size(0) == 0) return;
  Slope slope(subject, images);
  slope.look(images.x, 0);
  Climb climb;
  climb.steps = 5, climb.step = 0.2;
  slope.look(subject.craft(climb, images, subject.epsilon, /*track=*/false), 1);
  double fit = std::nan(""), rises = 1;
  for (size_t i = 0; i < std::size(kScales); ++i) {
    fit = std::fmax(fit, slope.fit(i));
    rises = std::min(rises, slope.rises(i));
  }
  const bool stand_in = subject.model.surrogate();
  if (stand_in) rises = std::max(slope.rises(2), slope.rises(3));
  Check check = {
      {"slope"},
      std::max(level_of_fit(fit, kFits, kDoesNotFit), level_of_fit(rises, kRises, kDoesNotRise))};
  check.finding.figures = {{"rises", rises},
                           {"near", slope.ratio(0)},
                           {"far", slope.ratio(std::size(kScales) - 1)},
                           {"of", images.x.size(0)},
                           {"share", ""}};
  if (!std::isnan(fit)) {
    check.finding.figures["fit"] = fit;
    check.finding.figures["share"] =
        fmt::format("they explain {:.2f} of it in directions of chance; ", fit);
  }
  out.push_back(check);
}

}  // namespace gauntlet::audit
