#include "gauntlet/threat.h"

#include <limits>

#include "sdk/or_one.h"

namespace gauntlet {
namespace {

// Rows of t, and 2^exponent for each: t = rows * 2^exponent.
struct Scaled {
  Tensor rows;
  Tensor power;  // [R, 1, ..., 1], 2^exponent
};

Tensor beside(const Tensor& per_row, const Tensor& rows) {  // [R] -> [R, 1, ..., 1]
  std::vector<int64_t> shape(size_t(rows.dim()), 1);
  shape[0] = rows.size(0);
  return per_row.view(shape);
}

// By the largest magnitude of each row. Powers of two round nothing, so that ordinary rows have the
// very length and direction that they would have without this.
Scaled scaled(const Tensor& t) {
  if (t.numel() == 0) return {t, beside(torch::ones({t.size(0)}, t.options()), t)};
  constexpr double kLargest = std::numeric_limits<float>::max();
  constexpr int kMost = 120;  // 2^149 and 2^-149 are no floats; squares of 2^-29 and 2^8 are
  const Tensor finite = t.clamp(-kLargest, kLargest);
  const Tensor largest = std::get<0>(finite.flatten(1).abs().max(1));
  const Tensor exponent = std::get<1>(torch::frexp(largest)).clamp(-kMost, kMost);
  const auto two_to = [&](const Tensor& e) {  // by its bits: pow() may round
    const Tensor bits = (e + 127).to(torch::kInt).bitwise_left_shift(23);
    return beside(bits.view(torch::kFloat).to(t.scalar_type()), t);
  };
  return {finite * two_to(-exponent), two_to(exponent)};
}

Tensor plain_length(const Tensor& rows, Norm kind) {  // [R, 1, ..., 1]
  const Tensor flat = rows.flatten(1).abs();
  return beside(kind == Norm::kLinf ? std::get<0>(flat.max(1))
                : kind == Norm::kL2 ? flat.square().sum(1).sqrt()
                                    : flat.sum(1),
                rows);
}

// The nearest point of an L2 ball.
Tensor shortened(const Tensor& delta, const Tensor& epsilon) {
  const Scaled s = scaled(delta);
  const Tensor size = plain_length(s.rows, Norm::kL2);
  return torch::where(size * s.power <= epsilon, delta, s.rows * (epsilon / or_one(size)));
}

// The nearest point of an L1 ball and the box, by bisection. room: how far each coordinate may go.
Tensor shared_out(const Tensor& d, const Tensor& room, const Tensor& epsilon) {
  const Tensor size = d.abs();
  Tensor upper = plain_length(d, Norm::kLinf), lower = torch::zeros_like(upper);
  const auto shrunk = [&](const Tensor& by) {
    return torch::minimum((size - by).clamp_min(0), room);
  };
  const auto sum = [](const Tensor& t) { return plain_length(t, Norm::kL1); };
  const Tensor inside = sum(shrunk(lower)) <= epsilon;
  for (int i = 0; i < 50; ++i) {
    const Tensor middle = (lower + upper) / 2, too_far = sum(shrunk(middle)) > epsilon;
    lower = torch::where(too_far, middle, lower), upper = torch::where(too_far, upper, middle);
  }
  return d.sign() * shrunk(torch::where(inside, torch::zeros_like(upper), upper));
}
}  // namespace

Tensor rescaled(const Tensor& rows) { return scaled(rows).rows; }

Tensor length(const Tensor& rows, Norm norm) {
  if (norm == Norm::kLinf) return plain_length(rows, norm).view({-1});
  const Scaled s = scaled(rows);
  return (plain_length(s.rows, norm) * s.power).view({-1});
}

Tensor unit(const Tensor& rows, Norm norm) {
  const Tensor near_one = rescaled(rows);
  return near_one / or_one(plain_length(near_one, norm));
}

Tensor ThreatModel::random(const Tensor& x, Noise& noise) const {
  const auto shape = x.sizes().slice(1);
  if (norm == Norm::kLinf) return (noise.uniform(shape) * 2 - 1) * epsilon;
  const Tensor radius = noise.uniform({1, 1, 1}).pow(1.0 / double(c10::multiply_integers(shape)));
  if (norm == Norm::kL2) return unit(noise.normal(shape), norm) * radius * epsilon;
  const Tensor u = noise.uniform(shape) * 2 - 1;  // Laplace direction: uniform on the L1 sphere
  return unit(-u.sign() * (1 - u.abs()).clamp_min(1e-12).log(), norm) * radius * epsilon;
}
Tensor ThreatModel::steepest(const Tensor& g) const {
  if (norm == Norm::kLinf) return g.sign();
  if (norm == Norm::kL2) return unit(g, norm);
  const Tensor flat = g.flatten(1);  // L1: the largest 5 % of the coordinates share the step
  const int64_t k = std::max<int64_t>(1, flat.size(1) / 20);
  const auto [value, index] = flat.abs().topk(k, 1);
  return torch::zeros_like(flat).scatter_(1, index, flat.gather(1, index).sign() / k).view_as(g);
}

Tensor ThreatModel::held_by_box(const Tensor& x, const Tensor& gradient) const {
  constexpr double kOnBound = 1e-6;
  return ((gradient > 0) & (x > high - kOnBound)) | ((gradient < 0) & (x < low + kOnBound));
}

Tensor ThreatModel::project(const Tensor& x, const Tensor& delta) const {
  if (norm == Norm::kL1)
    return shared_out(delta, torch::where(delta > 0, high - x, x - low), epsilon);
  const Tensor d =
      norm == Norm::kLinf ? torch::clamp(delta, -epsilon, epsilon) : shortened(delta, epsilon);
  return (x + d).clamp(low, high) - x;
}
Tensor ThreatModel::distance(const Tensor& x, const Tensor& other) const {
  return length(other - x, norm);
}
ThreatModel ThreatModel::rows(const Tensor& sample) const {
  ThreatModel out = *this;
  if (epsilon.size(0) > 1) out.epsilon = epsilon.index_select(0, sample);
  return out;
}

}  // namespace gauntlet
