// Images that are turned, moved or bent, and the search for the nearest of them.
#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "gauntlet/spatial.h"
#include "sdk/cell_search.h"
#include "sdk/geometry.h"
#include "sdk/scaled.h"

namespace gauntlet {
namespace {

constexpr double kDegree = 3.14159265358979323846 / 180;
// What pixels may differ by for images to be the same. Another implementation in float32 is off by
// 3e-5 pixels at 224 x 224, and pixels differ by at most 1.
constexpr double kAlike = 1e-4;

// Of each row: [R].
Tensor largest_difference(const Tensor& a, const Tensor& b) {
  return (a - b).abs().flatten(1).amax(1);
}

// Per row of x, in double: [R].
Tensor limits(const ThreatModel& threat, const Tensor& x) {
  return threat.epsilon.to(torch::kDouble).view(-1).expand({x.size(0)}).contiguous();
}

// Whole numbers m of cells [m, m + 1] that reach from -limit to limit, the middle ones first.
std::vector<int64_t> cells_within(double limit) {
  std::vector<int64_t> out;
  for (int64_t m = 0; m < std::max<int64_t>(int64_t(std::ceil(limit)), 1); ++m) {
    out.push_back(m);
    if (double(m) < limit) out.push_back(-m - 1);
  }
  return out;
}

constexpr double kFound = kAlike * kAlike / 100;  // a square of a difference that needs no search
constexpr double kRounding = 1e-14;  // of the square of a difference, a value of the image
constexpr double kFar = 1e30;        // the square of a distance that no image has

// Of the images that a threat makes of x [R, C, H, W], for each row the one nearest to wanted.
struct Nearest {
  Tensor image;
  Tensor size;  // [R] double, in the threat's unit
};

class Transformation : public Geometry {
 public:
  Tensor random(const ThreatModel& threat, const Tensor& x, Noise& noise) const override {
    return any(x, limits(threat, x), noise).clamp(threat.low, threat.high) - x;
  }
  Tensor steepest(const ThreatModel& threat, const Tensor&) const override {
    throw std::logic_error("a threat of " + name_of(threat.norm) +
                           " has no step in pixels; see gauntlet/spatial.h");
  }
  Tensor reach(const ThreatModel& threat) const override { return width_of_box(threat); }
  Tensor project(const ThreatModel& threat, const Tensor& x, const Tensor& delta) const override {
    const Tensor wanted = (x + delta).clamp(threat.low, threat.high);
    const Nearest found = closest(threat, x, wanted);
    const Tensor member = found.image.clamp(threat.low, threat.high);
    // Well inside, so that it still is after rounding.
    const Tensor there = per_image(largest_difference(member, wanted) <= kAlike / 2);
    return torch::where(there, wanted, member) - x;
  }
  Tensor distance(const ThreatModel& threat, const Tensor& x, const Tensor& other) const override {
    const Nearest found = closest(threat, x, other);
    const Tensor alike = largest_difference(found.image, other) <= kAlike;
    return found.size.to(x.scalar_type())
        .masked_fill(alike.logical_not(), std::numeric_limits<double>::infinity());
  }
  // What rounding does is in kAlike.
  Tensor slack(const ThreatModel& threat) const override {
    return torch::full_like(threat.epsilon, 1e-6) + 1e-6 * threat.epsilon;
  }

 protected:
  // One of the images at random; limit: [R] double.
  virtual Tensor any(const Tensor& x, const Tensor& limit, Noise& noise) const = 0;
  virtual Nearest nearest(const Tensor& x, const Tensor& wanted, const Tensor& limit) const = 0;

 private:
  // The image itself is one of them, and needs no search.
  Nearest closest(const ThreatModel& threat, const Tensor& x, const Tensor& wanted) const {
    Nearest out{x.clone(), torch::zeros({x.size(0)}, x.options().dtype(torch::kDouble))};
    const Tensor moved = (largest_difference(x, wanted) <= kAlike).logical_not();
    const Tensor rows = moved.nonzero().squeeze(1);
    if (rows.size(0) == 0) return out;
    // Limit by limit: a row is searched on one grid, whatever the limits of the others are.
    const Tensor limit = limits(threat, x), moving = limit.index_select(0, rows);
    const Tensor each = std::get<0>(at::_unique(moving));
    for (int64_t i = 0; i < each.size(0); ++i) {
      const Tensor some = rows.masked_select(moving == each[i]);
      const auto of = [&](const Tensor& t) { return t.index_select(0, some); };
      const Nearest found = nearest(of(x), of(wanted), of(limit));
      out.image.index_copy_(0, some, found.image);
      out.size.index_copy_(0, some, found.size);
    }
    return out;
  }
};

// By angle: a grid whose steps move no pixel farther than a quarter of one, and from its three best
// points halved steps.
class Rotation final : public Transformation {
 protected:
  Tensor any(const Tensor& x, const Tensor& limit, Noise& noise) const override {
    return rotated(x, (noise.uniform({1}).select(1, 0) * 2 - 1) * limit);
  }

  Nearest nearest(const Tensor& x, const Tensor& wanted, const Tensor& limit) const override {
    constexpr double kStep = 0.25;  // of a pixel
    constexpr int64_t kStarts = 3;
    const double corner = std::hypot(double(x.size(2) - 1) / 2, double(x.size(3) - 1) / 2);
    const auto half = int64_t(std::ceil(limit.max().item<double>() * kDegree * corner / kStep));
    std::vector<double> share = {0};  // of the limit, small ones first
    for (int64_t i = 1; i <= half; ++i)
      for (const double sign : {1., -1.}) share.push_back(sign * double(i) / double(half));
    std::vector<Tensor> scores;
    for (const double s : share) scores.push_back(score(x, wanted, s * limit));
    const Tensor order = torch::stack(scores).argsort(/*stable=*/true, 0, /*descending=*/false);
    const Tensor starts = torch::tensor(share, limit.options()).index_select(0, order[0]);

    const Tensor angle = starts * limit, value = std::get<0>(torch::stack(scores).min(0));
    Tensor rows = torch::arange(x.size(0), order.options());  // those that are not found yet
    for (int64_t k = 0; k < std::min(kStarts, order.size(0)) && rows.size(0) > 0; ++k) {
      const auto of = [&](const Tensor& t) { return t.index_select(0, rows); };
      const Tensor start = torch::tensor(share, limit.options()).index_select(0, of(order[k]));
      const auto [a, v] = refined(of(x), of(wanted), start * of(limit),
                                  of(limit) / double(std::max<int64_t>(half, 1)), of(limit));
      const Tensor better = v < of(value);
      angle.index_copy_(0, rows, torch::where(better, a, of(angle)));
      value.index_copy_(0, rows, torch::where(better, v, of(value)));
      const Tensor off = largest_difference(rotated(of(x), of(angle)), of(wanted));
      rows = of_rows(rows, off > kAlike / 4);
    }
    return {rotated(x, angle), angle.abs()};
  }

 private:
  static Tensor of_rows(const Tensor& rows, const Tensor& which) {
    return rows.index_select(0, which.nonzero().squeeze(1));
  }
  static Tensor score(const Tensor& x, const Tensor& wanted, const Tensor& degrees) {
    return (rotated(x, degrees) - wanted).square().flatten(1).mean(1);
  }
  // The best angle near the start, and its score. All [R].
  static std::pair<Tensor, Tensor> refined(const Tensor& x, const Tensor& wanted, Tensor best,
                                           Tensor step, const Tensor& limit) {
    constexpr int kHalvings = 18;
    Tensor value = score(x, wanted, best);
    for (int i = 0; i < kHalvings; ++i) {
      step = step / 2;
      const Tensor middle = best;
      for (const double sign : {-1., 1.}) {
        const Tensor other = torch::minimum(torch::maximum(middle + sign * step, -limit), limit);
        const Tensor now = score(x, wanted, other), better = now < value;
        best = torch::where(better, other, best), value = torch::where(better, now, value);
      }
    }
    return {best, value};
  }
};

// Pixels of x [R, C, H, W] read a whole number of pixels away, 0 beyond the image; in double.
class Shifts {
 public:
  Shifts(const Tensor& x, const Tensor& limit)
      : reach_(1 + std::max<int64_t>(int64_t(std::ceil(limit.max().item<double>())), 0)),
        height_(x.size(2)),
        width_(x.size(3)),
        padded_(torch::constant_pad_nd(x.to(torch::kDouble), {reach_, reach_, reach_, reach_}, 0)) {
  }
  // Both from -reach to reach, which holds the far side of every cell.
  Tensor at(int64_t down, int64_t right) const {
    return padded_.narrow(2, reach_ + down, height_).narrow(3, reach_ + right, width_);
  }

 private:
  const int64_t reach_, height_, width_;
  const Tensor padded_;
};

// The part of the cell [m, m + 1] x [n, n + 1] within a limit for each row, from (m, n) on.
CellRange part_within(int64_t m, int64_t n, const Tensor& limit) {
  const auto from = [&](int64_t first) { return (-limit - first).clamp(0, 1); };
  const auto to = [&](int64_t first) { return (limit - first).clamp(0, 1); };
  return {from(m), to(m), from(n), to(n)};
}

// The nearest shift of each row over all cells within its limit. enough: of the square, where the
// search ends. cell(m, n, rows): the products of these rows. hopeful(open): of the rows that a
// quick search left open, those worth a thorough one.
template <class Cell, class Hopeful>
CellPoint nearest_shift(const Tensor& limit, double enough, const Cell& cell,
                        const Hopeful& hopeful) {
  const std::vector<int64_t> cells = cells_within(limit.max().item<double>());
  const CellPoint best{torch::zeros_like(limit), torch::zeros_like(limit),
                       torch::full_like(limit, kFar)};
  for (const bool thorough : {false, true}) {
    const Tensor worth = thorough ? hopeful(best.square > enough) : best.square > enough;
    for (const int64_t m : cells)
      for (const int64_t n : cells) {
        const Tensor open = (worth & (-limit <= m + 1) & (m <= limit) & (-limit <= n + 1) &
                             (n <= limit) & (best.square > enough))
                                .nonzero()
                                .squeeze(1);
        if (open.size(0) == 0) continue;
        const auto of = [&](const Tensor& t) { return t.index_select(0, open); };
        const CellRange range = part_within(m, n, of(limit));
        const CellProducts products = cell(m, n, open);
        CellPoint found =
            thorough ? nearest_from_many_starts(products, range) : nearest_in(products, range);
        found.down = found.down + m, found.right = found.right + n;
        const CellPoint now = nearer({of(best.down), of(best.right), of(best.square)}, found);
        best.down.index_copy_(0, open, now.down), best.right.index_copy_(0, open, now.right);
        best.square.index_copy_(0, open, now.square);
      }
  }
  return best;
}

// Between whole shifts a moved image is bilinear in the shift: cell by cell, from products of
// images.
class Translation final : public Transformation {
 protected:
  Tensor any(const Tensor& x, const Tensor& limit, Noise& noise) const override {
    return translated(x, (noise.uniform({2}) * 2 - 1) * limit.unsqueeze(1));
  }

  Nearest nearest(const Tensor& x, const Tensor& wanted, const Tensor& limit) const override {
    const Shifts shifts(x, limit);
    const Tensor goal = wanted.to(torch::kDouble);
    const CellPoint best = nearest_shift(
        limit, kFound + kRounding * double(x[0].numel()),
        [&](int64_t m, int64_t n, const Tensor& rows) {
          const auto at = [&](int64_t i, int64_t j) {
            return shifts.at(i, j).index_select(0, rows);
          };
          return products_of(at(m, n), at(m, n + 1), at(m + 1, n), at(m + 1, n + 1),
                             goal.index_select(0, rows), {1, 2, 3});
        },
        [](const Tensor& open) { return open; });
    // A pixel is read from where it came: the other way.
    return {translated(x, -torch::stack({best.down, best.right}, 1)),
            torch::maximum(best.down.abs(), best.right.abs())};
  }
};

// Pixel by pixel, over the cells that a pixel can be read from; all channels together.
class Flow final : public Transformation {
 protected:
  Tensor any(const Tensor& x, const Tensor& limit, Noise& noise) const override {
    return flowed(x, (noise.uniform({2, x.size(2), x.size(3)}) * 2 - 1) * per_image(limit));
  }

  Nearest nearest(const Tensor& x, const Tensor& wanted, const Tensor& limit) const override {
    const Shifts shifts(x, limit);
    const int64_t height = x.size(2), width = x.size(3);
    // [R * H * W, C]: a row a pixel.
    const auto listed = [](const Tensor& images) {
      return images.permute({0, 2, 3, 1}).reshape({-1, images.size(1)});
    };
    const Tensor goal = listed(wanted.to(torch::kDouble));
    // A quick search misses one pixel in a hundred: an image with many open ones is none of these.
    const auto hopeful = [&](const Tensor& open) {
      const int64_t pixels = height * width;
      return (open.view({-1, pixels}).sum(1) <= 8 + pixels / 8).repeat_interleave(pixels) & open;
    };
    const auto cell = [&](int64_t m, int64_t n, const Tensor& rows) {
      const auto at = [&](int64_t i, int64_t j) {
        return listed(shifts.at(i, j)).index_select(0, rows);
      };
      return products_of(at(m, n), at(m, n + 1), at(m + 1, n), at(m + 1, n + 1),
                         goal.index_select(0, rows), {1});
    };
    const CellPoint best =
        nearest_shift(limit.repeat_interleave(height * width), kFound, cell, hopeful);
    const Tensor flow =
        torch::stack({best.down, best.right}, 0).view({2, -1, height, width}).transpose(0, 1);
    return {flowed(x, flow), flow.abs().flatten(1).amax(1)};
  }
};
}  // namespace

Tensor flowed(const Tensor& x, const Tensor& flow) {
  const int64_t channels = x.size(1), height = x.size(2), width = x.size(3);
  const auto lines = x.options().dtype(torch::kDouble).requires_grad(false);
  // In double: places are exact to 1e-13 pixels in images of every size.
  const Tensor row = flow.select(1, 0).to(torch::kDouble) +
                     torch::arange(height, lines).view({1, height, 1}),
               column = flow.select(1, 1).to(torch::kDouble) +
                        torch::arange(width, lines).view({1, 1, width});
  const Tensor above = row.detach().floor(), before = column.detach().floor();
  const Tensor down = (row - above).to(x.scalar_type()).unsqueeze(1),
               right = (column - before).to(x.scalar_type()).unsqueeze(1);
  const Tensor flat = x.flatten(2);
  const auto corner = [&](int64_t i, int64_t j) {
    const Tensor r = above.to(torch::kLong) + i, c = before.to(torch::kLong) + j;
    const Tensor there = (r >= 0) & (r < height) & (c >= 0) & (c < width);
    const Tensor place = r.clamp(0, height - 1) * width + c.clamp(0, width - 1);
    const Tensor value = flat.gather(2, place.flatten(1).unsqueeze(1).expand({-1, channels, -1}));
    return value.view({-1, channels, height, width}) * there.unsqueeze(1);
  };
  const Tensor a = corner(0, 0), c = corner(1, 0);
  const Tensor upper = a + right * (corner(0, 1) - a), lower = c + right * (corner(1, 1) - c);
  return (upper + down * (lower - upper)).clamp(0, 1);  // rounding may pass the ends
}

Tensor translated(const Tensor& x, const Tensor& shift) {
  return flowed(x, (-shift).view({-1, 2, 1, 1}).expand({-1, -1, x.size(2), x.size(3)}));
}

Tensor rotated(const Tensor& x, const Tensor& degrees) {
  const auto lines = x.options().dtype(torch::kDouble).requires_grad(false);
  const auto from_centre = [&](int64_t n) { return torch::arange(n, lines) - double(n - 1) / 2; };
  const Tensor y = from_centre(x.size(2)).view({1, -1, 1}),
               z = from_centre(x.size(3)).view({1, 1, -1});
  const Tensor angle = degrees.to(torch::kDouble).view({-1, 1, 1}) * kDegree;
  const Tensor cosine = angle.cos(), sine = angle.sin();
  // Rows count downwards: counter-clockwise, what is on the right goes up.
  return flowed(x, torch::stack({z * sine + y * cosine - y, z * cosine - y * sine - z}, 1));
}

const Geometry& rotation() {
  static const Rotation turned;
  return turned;
}
const Geometry& translation() {
  static const Translation moved;
  return moved;
}
const Geometry& flow() {
  static const Flow bent;
  return bent;
}

}  // namespace gauntlet
