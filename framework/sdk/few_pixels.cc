// A number of pixels anywhere (L0), or a square of them at one place (patch).
#include <algorithm>
#include <map>
#include <tuple>

#include "sdk/geometry.h"
#include "sdk/scaled.h"

namespace gauntlet {
namespace {

constexpr double kChanged = 1e-6;   // what a pixel changes by that counts
constexpr double kCounting = 1e-3;  // 0.1 * 30 pixels are 3

Tensor changed(const Tensor& delta) {  // [R, H, W] bool
  return (delta.abs() > kChanged).any(1);
}

// Whole numbers of pixels, [R] or [1] int64.
Tensor whole(const Tensor& epsilon) {
  return (epsilon.to(torch::kDouble) + kCounting).floor().to(torch::kLong).view(-1);
}

// By how much a pixel that may change brings the image nearer to the wanted one, in squares: kept
// is the part of delta inside the box. [R, H, W].
Tensor gain(const Tensor& delta, const Tensor& kept) {
  constexpr double kLargest = 1e30;
  const Tensor d = delta.to(torch::kDouble).clamp(-kLargest, kLargest), k = kept.to(torch::kDouble);
  return (k * (2 * d - k)).sum(1);
}

// How much a pixel's step of the width of the box raises a linear loss, up to one factor a row.
Tensor strength(const Tensor& gradient) {
  return rescaled(gradient).to(torch::kDouble).abs().sum(1);
}

// A value of the box for every coordinate, as a delta.
Tensor any_value(const ThreatModel& threat, const Tensor& x, Noise& noise) {
  return threat.low + (threat.high - threat.low) * noise.uniform(x.sizes().slice(1)) - x;
}

// What L0 and patch share: which pixels are chosen differs.
class FewPixels : public Geometry {
 public:
  Tensor random(const ThreatModel& threat, const Tensor& x, Noise& noise) const override {
    const Tensor where = anywhere(threat, x, noise);
    return any_value(threat, x, noise).masked_fill(where.logical_not(), 0);
  }
  Tensor steepest(const ThreatModel& threat, const Tensor& gradient) const override {
    return gradient.sign().masked_fill(best(threat, strength(gradient)).logical_not(), 0);
  }
  Tensor reach(const ThreatModel& threat) const override { return width_of_box(threat); }
  Tensor project(const ThreatModel& threat, const Tensor& x, const Tensor& delta) const override {
    Tensor kept = inside_box(threat, x, delta);
    // What does not count as a change is none: x + delta is rounded, and might count then.
    kept = kept.masked_fill((kept.abs() <= kChanged).all(1, /*keepdim=*/true), 0);
    const Tensor mine = best(threat, gain(delta, kept)).expand_as(kept);
    const Tensor fits = per_image(size(kept) <= (threat.epsilon + kCounting).view(-1));
    return torch::where(fits, kept, kept.masked_fill(mine.logical_not(), 0));
  }
  Tensor distance(const ThreatModel&, const Tensor& x, const Tensor& other) const override {
    return size(other - x);
  }
  Tensor slack(const ThreatModel& threat) const override {
    return torch::full_like(threat.epsilon, kCounting);
  }

 protected:
  virtual Tensor size(const Tensor& delta) const = 0;  // [R], in pixels
  // The pixels of the largest sum of value [R, H, W]: [R, 1, H, W] bool.
  virtual Tensor best(const ThreatModel& threat, const Tensor& value) const = 0;
  virtual Tensor anywhere(const ThreatModel& threat, const Tensor& x, Noise& noise) const = 0;
};

class Sparse final : public FewPixels {
 protected:
  Tensor size(const Tensor& delta) const override {
    return changed(delta).flatten(1).sum(1).to(delta.scalar_type());
  }
  Tensor best(const ThreatModel& threat, const Tensor& value) const override {
    const Tensor flat = value.flatten(1);
    const Tensor order = flat.argsort(/*stable=*/true, 1, /*descending=*/true);
    const Tensor place = torch::arange(flat.size(1), order.options()).expand_as(order);
    const Tensor rank = torch::empty_like(order).scatter_(1, order, place);
    return (rank < whole(threat.epsilon).unsqueeze(1)).view_as(value).unsqueeze(1);
  }
  Tensor anywhere(const ThreatModel& threat, const Tensor& x, Noise& noise) const override {
    return best(threat, noise.uniform({x.size(2), x.size(3)}));
  }
};

class Patch final : public FewPixels {
 protected:
  Tensor size(const Tensor& delta) const override {
    const Tensor pixels = changed(delta);
    return torch::maximum(extent(pixels.any(2)), extent(pixels.any(1))).to(delta.scalar_type());
  }
  Tensor best(const ThreatModel& threat, const Tensor& value) const override {
    const Tensor sides = sides_of(threat, value);
    const Tensor top = torch::zeros_like(sides), left = torch::zeros_like(sides);
    std::map<int64_t, std::vector<int64_t>> rows;
    const Tensor on_host = sides.cpu();
    for (int64_t row = 0; row < on_host.size(0); ++row)
      rows[on_host.const_data_ptr<int64_t>()[row]].push_back(row);
    for (const auto& [side, some] : rows) {
      if (side == 0) continue;
      const Tensor index = torch::tensor(some, torch::kLong).to(value.device());
      const auto [row, column] = best_corner(value.index_select(0, index), side);
      top.index_copy_(0, index, row), left.index_copy_(0, index, column);
    }
    return square(top, left, sides, value);
  }
  Tensor anywhere(const ThreatModel& threat, const Tensor& x, Noise& noise) const override {
    const Tensor pixels = x.select(1, 0), sides = sides_of(threat, pixels), u = noise.uniform({2});
    const auto corner = [&](int64_t dim) {
      const Tensor places = (x.size(dim + 2) - sides).clamp_min(0) + 1;
      return torch::minimum((u.select(1, dim) * places).floor().to(torch::kLong), places - 1);
    };
    return square(corner(0), corner(1), sides, pixels);
  }

 private:
  // From the first of the lines that are set to the last: [R, n] bool -> [R] int64.
  static Tensor extent(const Tensor& lines) {
    const int64_t n = lines.size(1);
    const Tensor number = torch::arange(n, lines.options().dtype(torch::kLong)).expand_as(lines);
    const Tensor first = number.masked_fill(lines.logical_not(), n).amin(1),
                 last = number.masked_fill(lines.logical_not(), -1).amax(1);
    return (last - first + 1).clamp_min(0);
  }
  // [R], no longer than the image. pixels: [R, H, W].
  static Tensor sides_of(const ThreatModel& threat, const Tensor& pixels) {
    const int64_t longest = std::max(pixels.size(1), pixels.size(2));
    return whole(threat.epsilon).clamp(0, longest).expand({pixels.size(0)}).contiguous();
  }
  // Where the square (cut to the image) of the largest sum begins: rows and columns, [R].
  static std::tuple<Tensor, Tensor> best_corner(const Tensor& value, int64_t side) {
    const int64_t height = value.size(1), width = value.size(2);
    const int64_t h = std::min(side, height), w = std::min(side, width);
    const Tensor sums = torch::constant_pad_nd(value, {1, 0, 1, 0}, 0).cumsum(1).cumsum(2);
    const Tensor below = sums.slice(1, h), above = sums.slice(1, 0, height + 1 - h);
    const auto right = [&](const Tensor& t) { return t.slice(2, w); };
    const auto left = [&](const Tensor& t) { return t.slice(2, 0, width + 1 - w); };
    const Tensor inside = right(below) - left(below) - right(above) + left(above);
    const Tensor at = inside.flatten(1).argmax(1);
    const int64_t columns = width + 1 - w;
    return {at.div(columns, "floor"), at.remainder(columns)};
  }
  static Tensor square(const Tensor& top, const Tensor& left, const Tensor& sides,
                       const Tensor& pixels) {
    const auto between = [&](const Tensor& from, int64_t n) {  // [R, n]
      const Tensor number = torch::arange(n, from.options()).unsqueeze(0);
      return (number >= from.unsqueeze(1)) & (number < (from + sides).unsqueeze(1));
    };
    return (between(top, pixels.size(1)).unsqueeze(2) & between(left, pixels.size(2)).unsqueeze(1))
        .unsqueeze(1);
  }
};
}  // namespace

const Geometry& few_pixels() {
  static const Sparse pixels;
  return pixels;
}
const Geometry& patch() {
  static const Patch square;
  return square;
}

}  // namespace gauntlet
