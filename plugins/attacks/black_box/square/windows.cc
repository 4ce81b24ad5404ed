#include "windows.h"

#include <algorithm>
#include <cmath>

namespace gauntlet::square {
namespace {

// A window in each image: how far a pixel lies from its corner, and whether inside.
struct Windows {
  // u: [N, 2] in [0, 1). Each place is as likely as any other.
  Windows(const Tensor& u, int64_t side, const Tensor& x) {
    const auto along = [&](int64_t axis, int64_t size) {
      const Tensor corner = (u.narrow(1, axis, 1) * double(size - side + 1)).floor();
      return torch::arange(size, x.options()) - corner;
    };
    const auto within = [&](const Tensor& t) { return (t >= 0) & (t < double(side)); };
    down = along(0, x.size(2)), right = along(1, x.size(3));
    inside = within(down).unsqueeze(1).unsqueeze(3) & within(right).unsqueeze(1).unsqueeze(2);
  }
  Tensor down, right;  // [N, H], [N, W]
  Tensor inside;       // [N, 1, H, W] bool
};

int64_t side_of(double share, const Tensor& x) {
  return std::lround(std::sqrt(share * double(x.size(2) * x.size(3))));
}
int64_t shorter_side(const Tensor& x) { return std::min(x.size(2), x.size(3)); }

// Every pixel lies on an end of what ball and box allow.
class Linf final : public Search {
 public:
  explicit Linf(const Task& task)
      : x_(task.x),
        lower_((x_ - task.threat.epsilon).clamp_min(task.threat.low)),
        upper_((x_ + task.threat.epsilon).clamp_max(task.threat.high)) {}

  Tensor start(Noise noise) const override {  // vertical stripes
    return ends(noise.uniform({x_.size(1), 1, x_.size(3)}));
  }
  Tensor next(const Tensor& best, int64_t side, Noise noise) override {
    const int64_t channels = x_.size(1);
    const Tensor u = noise.uniform({2 + channels});
    const Windows window(u.narrow(1, 0, 2), side, x_);
    return torch::where(window.inside, ends(u.narrow(1, 2, channels).unsqueeze(2).unsqueeze(3)),
                        best);
  }
  int64_t side(double share) const override {
    return std::clamp<int64_t>(side_of(share, x_), 1, shorter_side(x_));
  }

 private:
  Tensor ends(const Tensor& u) const { return torch::where(u < 0.5, lower_, upper_); }
  const Tensor x_, lower_, upper_;
};

// [side, side] of length 1: two halves of opposite sign. Each is a pile of rectangles around its
// middle, of which the k-th weighs 1/k^2.
Tensor bump(int64_t side) {
  const auto away = [](int64_t n) { return (torch::arange(n) - n / 2).abs(); };
  const auto half = [&](int64_t rows) {
    const Tensor ring = torch::maximum(away(rows).unsqueeze(1), away(side));
    const Tensor weight = torch::arange(1, side / 2 + 2, torch::kFloat).square().reciprocal();
    const Tensor pile = weight.flip(0).cumsum(0).flip(0);  // of all that reach this ring
    return unit(pile.index_select(0, ring.flatten()).view({1, rows, side})).squeeze(0);
  };
  if (side == 1) return torch::ones({1, 1});
  const Tensor halves = torch::cat({half(side / 2), -half(side - side / 2)});
  return unit(halves.unsqueeze(0)).squeeze(0);
}

Tensor signs(const Tensor& u) { return torch::where(u < 0.5, 1., -1.).to(u.options()); }

// Bumps whose length together is epsilon.
class L2 final : public Search {
 public:
  explicit L2(const Task& task) : x_(task.x), threat_(task.threat) {}

  Tensor start(Noise noise) const override {  // a grid of bumps, about five by five
    const int64_t channels = x_.size(1), h = x_.size(2), w = x_.size(3);
    const int64_t side = std::max<int64_t>(shorter_side(x_) / 5, 1), down = h / side,
                  right = w / side, above = (h - down * side) / 2, before = (w - right * side) / 2;
    const Tensor u = noise.uniform({channels + 1, down, 1, right, 1}), one = bump_of(side);
    const auto tile = [&](const Tensor& t) { return t.reshape({side, 1, side}); };
    const Tensor tiles = signs(u.narrow(1, 0, channels)) *
                         torch::where(u.narrow(1, channels, 1) < 0.5, tile(one), tile(one.t()));
    return onto_sphere(torch::constant_pad_nd(
        tiles.reshape({x_.size(0), channels, down * side, right * side}),
        {before, w - right * side - before, above, h - down * side - above}));
  }

  // A window gets a new bump on what it holds. Its length is what it had, what a second window had,
  // which is emptied, and what the box had cut off.
  Tensor next(const Tensor& best, int64_t side, Noise noise) override {
    if (!bump_.defined() || bump_.size(0) != side) bump_ = bump_of(side);
    const int64_t channels = x_.size(1);
    const Tensor delta = best - x_, u = noise.uniform({5 + channels});
    const Windows to(u.narrow(1, 0, 2), side, x_), from(u.narrow(1, 2, 2), side, x_);
    const Tensor sign = signs(u.narrow(1, 5, channels).unsqueeze(2).unsqueeze(3));
    const Tensor content =
        sign * placed(to, u.narrow(1, 4, 1).unsqueeze(2)) + of_length_1(delta * to.inside);
    const Tensor moved = delta * (to.inside | from.inside);
    const Tensor had = length(moved.flatten(0, 1)).view({-1, channels, 1, 1}).square();
    const Tensor lost = threat_.epsilon.square() - per_image(length(delta).square());
    const Tensor size = (had + lost.clamp_min(0) / double(channels)).sqrt();
    return onto_sphere(torch::where(to.inside, of_length_1(content) * size, delta * ~from.inside));
  }
  int64_t side(double share) const override {  // odd: it has a middle
    const int64_t most = (shorter_side(x_) - 1) | 1;
    return std::min(std::max<int64_t>(side_of(share, x_), 3) | 1, most);
  }

 private:
  Tensor bump_of(int64_t side) const { return bump(side).to(x_.options()); }
  // [N, 1, H, W]: the bump in the window, in one of two orientations.
  Tensor placed(const Windows& window, const Tensor& u) const {
    const double side = double(bump_.size(0));
    const Tensor down = window.down.unsqueeze(2), right = window.right.unsqueeze(1);
    const Tensor pixel = torch::where(u < 0.5, down * side + right, right * side + down);
    const Tensor at = pixel.clamp(0, side * side - 1).to(torch::kLong);
    return bump_.flatten().index_select(0, at.flatten()).view_as(window.inside) * window.inside;
  }
  // Each channel apart; zeros stay zeros.
  static Tensor of_length_1(const Tensor& t) { return unit(t.flatten(0, 1)).view_as(t); }
  Tensor onto_sphere(const Tensor& delta) const {
    return x_ + threat_.project(x_, threat_.epsilon * unit(delta));
  }
  const Tensor x_;
  const ThreatModel& threat_;
  Tensor bump_;
};
}  // namespace

std::unique_ptr<Search> search_of(const Task& task) {
  if (task.threat.norm == Norm::kL2) return std::make_unique<L2>(task);
  return std::make_unique<Linf>(task);
}

}  // namespace gauntlet::square
