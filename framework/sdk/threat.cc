#include "gauntlet/threat.h"

namespace gauntlet {
namespace {
Tensor norm(const Tensor& d, Norm kind) {  // [R, 1, 1, 1]
  const Tensor flat = d.flatten(1).abs();
  const Tensor n = kind == Norm::kLinf ? std::get<0>(flat.max(1))
                   : kind == Norm::kL2 ? flat.square().sum(1).sqrt()
                                       : flat.sum(1);
  return n.view({-1, 1, 1, 1});
}
}  // namespace

Tensor ThreatModel::random(const Tensor& x, Noise& noise) const {
  const auto shape = x.sizes().slice(1);
  if (norm == Norm::kLinf) return (noise.uniform(shape) * 2 - 1) * epsilon;
  const Tensor radius = noise.uniform({1, 1, 1}).pow(1.0 / double(c10::multiply_integers(shape)));
  if (norm == Norm::kL2) {
    const Tensor d = noise.normal(shape);
    return d / gauntlet::norm(d, norm).clamp_min(1e-12) * radius * epsilon;
  }
  const Tensor u = noise.uniform(shape) * 2 - 1;  // Laplace direction: uniform on the L1 sphere
  const Tensor d = -u.sign() * (1 - u.abs()).clamp_min(1e-12).log();
  return d / gauntlet::norm(d, norm).clamp_min(1e-12) * radius * epsilon;
}
Tensor ThreatModel::steepest(const Tensor& g) const {
  if (norm == Norm::kLinf) return g.sign();
  if (norm == Norm::kL2) return g / gauntlet::norm(g, norm).clamp_min(1e-12);
  const Tensor flat = g.flatten(1);  // L1: the largest 5 % of the coordinates share the step
  const int64_t k = std::max<int64_t>(1, flat.size(1) / 20);
  const auto [value, index] = flat.abs().topk(k, 1);
  return torch::zeros_like(flat).scatter_(1, index, flat.gather(1, index).sign() / k).view_as(g);
}
Tensor ThreatModel::project(const Tensor& x, const Tensor& delta) const {
  Tensor d = delta;
  if (norm == Norm::kLinf) d = torch::clamp(d, -epsilon, epsilon);
  if (norm == Norm::kL2) d = d * (epsilon / gauntlet::norm(d, norm).clamp_min(1e-12)).clamp_max(1);
  if (norm != Norm::kL1) return (x + d).clamp(low, high) - x;
  const Tensor room = torch::where(d > 0, high - x, x - low),
               size = d.abs();  // nearest point of ball and box, by bisection
  Tensor lower = torch::zeros_like(gauntlet::norm(d, norm)), upper = gauntlet::norm(d, Norm::kLinf);
  const auto shrunk = [&](const Tensor& by) {
    return torch::minimum((size - by).clamp_min(0), room);
  };
  const Tensor inside = gauntlet::norm(shrunk(lower), norm) <= epsilon;
  for (int i = 0; i < 50; ++i) {
    const Tensor middle = (lower + upper) / 2,
                 too_far = gauntlet::norm(shrunk(middle), norm) > epsilon;
    lower = torch::where(too_far, middle, lower), upper = torch::where(too_far, upper, middle);
  }
  return d.sign() * shrunk(torch::where(inside, torch::zeros_like(upper), upper));
}
Tensor ThreatModel::distance(const Tensor& x, const Tensor& other) const {
  return gauntlet::norm(other - x, norm).view(-1);
}
ThreatModel ThreatModel::rows(const Tensor& sample) const {
  ThreatModel out = *this;
  if (epsilon.size(0) > 1) out.epsilon = epsilon.index_select(0, sample);
  return out;
}

}  // namespace gauntlet
