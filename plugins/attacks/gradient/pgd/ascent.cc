// Gradients that transfer better: momentum (Dong et al., 2018, https://arxiv.org/abs/1710.06081),
// diverse inputs (Xie et al., 2019, https://arxiv.org/abs/1803.06978), translation invariance (Dong
// et al., 2019, https://arxiv.org/abs/1904.02884), Nesterov's look ahead and scale invariance (Lin
// et al., 2020, https://arxiv.org/abs/1908.06281).
#include "ascent.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace gauntlet::pgd {
namespace {

// What one row is resized to and where it is put on the canvas.
using Placement = std::array<int64_t, 4>;  // height, width, top, left

int64_t canvas(int64_t side) { return side * 11 / 10; }

// The rows of each placement; a row that stays as it is has height 0. `u`: [R, 4] uniforms.
std::map<Placement, std::vector<int64_t>> placements(const Tensor& u, double probability,
                                                     int64_t height, int64_t width) {
  const Tensor numbers = u.cpu().contiguous();
  const auto* at = numbers.const_data_ptr<float>();
  std::map<Placement, std::vector<int64_t>> out;
  for (int64_t row = 0; row < numbers.size(0); ++row, at += 4) {
    const auto below = [](float u, int64_t end) {
      return std::min(int64_t(double(u) * double(end)), std::max<int64_t>(end - 1, 0));
    };
    Placement p{};
    if (double(at[0]) < probability) {
      p[0] = height + below(at[1], canvas(height) - height);
      p[1] = width + below(at[1], canvas(width) - width);
      p[2] = below(at[2], canvas(height) - p[0] + 1);
      p[3] = below(at[3], canvas(width) - p[1] + 1);
    }
    out[p].push_back(row);
  }
  return out;
}

// Resized, padded with zeros to the canvas, and resized back; linear in x.
Tensor placed(const Tensor& x, const Placement& p) {
  const int64_t height = x.size(2), width = x.size(3);
  const std::vector<int64_t> inner = {p[0], p[1]}, back = {height, width};
  const std::vector<int64_t> pad = {p[3], canvas(width) - p[1] - p[3], p[2],
                                    canvas(height) - p[0] - p[2]};
  return torch::upsample_bilinear2d(
      torch::constant_pad_nd(torch::upsample_bilinear2d(x, inner, false), pad, 0), back, false);
}

Tensor diverse(const Tensor& x, const std::map<Placement, std::vector<int64_t>>& groups) {
  std::vector<Tensor> parts, order;
  for (const auto& [placement, rows] : groups) {
    order.push_back(torch::tensor(rows, torch::kLong));
    const Tensor part = x.index_select(0, order.back().to(x.device()));
    parts.push_back(placement[0] == 0 ? part : placed(part, placement));
  }
  const Tensor back = torch::cat(order).argsort().to(x.device());
  return torch::cat(parts).index_select(0, back);
}

// Convolved with a Gaussian that reaches three deviations; zeros around the image. Sums of shifts,
// whose bits do not depend on the batch.
Tensor blurred(Tensor image, int64_t side) {
  std::vector<double> weights;
  double total = 0;
  for (int64_t i = 0; i < side; ++i) {
    const double z = 6.0 * double(i) / double(side - 1) - 3;
    total += weights.emplace_back(std::exp(-z * z / 2));
  }
  const int64_t half = side / 2;
  for (const int64_t dim : {2, 3}) {
    const std::vector<int64_t> pad = {dim == 3 ? half : 0, dim == 3 ? half : 0, dim == 2 ? half : 0,
                                      dim == 2 ? half : 0};
    const Tensor wide = torch::constant_pad_nd(image, pad, 0);
    Tensor sum = torch::zeros_like(image);
    for (int64_t i = 0; i < side; ++i)
      sum.add_(wide.narrow(dim, i, image.size(dim)), weights[size_t(i)] / total);
    image = sum;
  }
  return image;
}

// Divided by the mean of its absolute values, row by row; the running sum adds in one order in
// every batch.
Tensor normalised(const Tensor& gradient) {
  const Tensor g = rescaled(gradient), flat = g.flatten(1).abs();
  const Tensor mean = flat.cumsum(1).select(1, flat.size(1) - 1) / double(flat.size(1));
  return g / per_image(mean.masked_fill(mean == 0, 1));
}
}  // namespace

Tensor Ascent::direction(const Tensor& x, int64_t step) {
  const bool leads = p_.nesterov && velocity_.defined();
  Tensor grad = gradient(leads ? ahead(x, step) : x, step);
  if (p_.accumulate_gradients) grad = sum_ = sum_.defined() ? sum_ + grad : grad;
  if (p_.translation > 1) grad = blurred(rescaled(grad), p_.translation);
  if (p_.momentum > 0) {
    const Tensor now = normalised(grad);
    grad = velocity_ = velocity_.defined() ? p_.momentum * velocity_ + now : now;
  }
  // A step in L1 goes to a few coordinates: not to those that the box holds back.
  const Norm norm = task_.threat.norm;
  if (norm == Norm::kL1) return grad.masked_fill(task_.threat.held_by_box(x, grad), 0);
  // Nor are pixels chosen that cannot move from where they were; those that have moved stay chosen.
  if (norm == Norm::kL0) return grad.masked_fill(task_.threat.held_by_box(task_.x, grad), 0);
  return grad;
}

Tensor Ascent::length(int64_t step) const { return step_length(p_, step, task_.threat); }

// The next step of the momentum alone. Its coordinates are 1 on average: an image of ones has unit
// length.
Tensor Ascent::ahead(const Tensor& x, int64_t step) const {
  const double d = double(x[0].numel());
  const Norm norm = task_.threat.norm;
  const double unit = norm == Norm::kL2 ? std::sqrt(d) : norm == Norm::kL1 ? d : 1;
  return x + length(step) * (p_.momentum / unit) * velocity_;
}

// Fixed noise is one key of each restart: its draws are the same at every step.
Query Ascent::query(const Tensor& rows) const {
  if (p_.noise == "fresh") return {.rows = rows};
  return {.rows = rows, .noise = Draw::kFixed, .key = task_.restart};
}

Tensor Ascent::gradient(const Tensor& x, int64_t step) {
  if (p_.scales == 1 && p_.diversity == 0) return target_.gradient(x, loss_, query()).x;
  const bool single = p_.scales == 1;
  const Tensor copies = single ? Tensor() : task_.copies(p_.scales);
  const Tensor start = task_.rows(copies).of(x);  // [N * scales]
  const Tensor scale =
      per_image(torch::pow(0.5, torch::arange(p_.scales, x.options())).repeat({task_.x.size(0)}));
  std::map<Placement, std::vector<int64_t>> groups;
  if (p_.diversity > 0) {
    Noise noise = (single ? task_.noise : task_.noise.rows(copies)).at(step + 1);
    groups = placements(noise.uniform({4}), p_.diversity, x.size(2), x.size(3));
  }
  const auto map = [&](const Tensor& z) {
    return groups.empty() ? z * scale : diverse(z * scale, groups);
  };
  const Tensor g = target_.gradient_through(start, map, loss_, query(copies)).x;
  if (single) return g;
  const Tensor by_scale = g.unflatten(0, {-1, p_.scales});
  Tensor sum = by_scale.select(1, 0);
  for (int64_t i = 1; i < p_.scales; ++i) sum = sum + by_scale.select(1, i);
  return sum / double(p_.scales);
}

}  // namespace gauntlet::pgd
