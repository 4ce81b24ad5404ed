#include "gauntlet/threat.h"

#include <limits>
#include <stdexcept>

#include "sdk/geometry.h"
#include "sdk/or_one.h"
#include "sdk/scaled.h"

namespace gauntlet {
namespace {

Tensor beside(const Tensor& per_row, const Tensor& rows) {  // [R] -> [R, 1, ..., 1]
  std::vector<int64_t> shape(size_t(rows.dim()), 1);
  shape[0] = rows.size(0);
  return per_row.view(shape);
}
}  // namespace

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

Tensor plain_length(const Tensor& rows, Norm kind) {
  if (!is_ball(kind)) throw std::logic_error("no length is measured in " + name_of(kind));
  const Tensor flat = rows.flatten(1).abs();
  return beside(kind == Norm::kLinf ? std::get<0>(flat.max(1))
                : kind == Norm::kL2 ? flat.square().sum(1).sqrt()
                                    : flat.sum(1),
                rows);
}

Tensor inside_box(const ThreatModel& threat, const Tensor& x, const Tensor& delta) {
  return torch::minimum(torch::maximum(delta, threat.low - x), threat.high - x);
}

Tensor width_of_box(const ThreatModel& threat) {
  return torch::full({1, 1, 1, 1}, threat.high - threat.low, threat.epsilon.options());
}

const Geometry& geometry_of(Norm norm) {
  switch (norm) {
    case Norm::kLinf:
      return linf_ball();
    case Norm::kL2:
      return l2_ball();
    case Norm::kL1:
      return l1_ball();
    case Norm::kL0:
      return few_pixels();
    case Norm::kPatch:
      return patch();
    case Norm::kRotation:
      return rotation();
    case Norm::kTranslation:
      return translation();
    case Norm::kFlow:
      return flow();
    case Norm::kUnbounded:
      return whole_box();
  }
  throw std::invalid_argument("no threat has the number " + std::to_string(int(norm)));
}

std::string name_of(Norm norm) {
  for (const auto& [word, own] : kNormNames)
    if (own == norm) return std::string(word);
  throw std::invalid_argument("no threat has the number " + std::to_string(int(norm)));
}

std::vector<Norm> every_norm() {
  std::vector<Norm> out;
  for (const auto& [word, norm] : kNormNames) out.push_back(norm);
  return out;
}

std::vector<Norm> norms_with_steps() {
  return {Norm::kLinf, Norm::kL2, Norm::kL1, Norm::kL0, Norm::kPatch, Norm::kUnbounded};
}

bool is_ball(Norm norm) { return geometry_of(norm).is_ball(); }

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
  return geometry_of(norm).random(*this, x, noise);
}
Tensor ThreatModel::steepest(const Tensor& gradient) const {
  return geometry_of(norm).steepest(*this, gradient);
}
Tensor ThreatModel::reach() const { return geometry_of(norm).reach(*this); }

Tensor ThreatModel::held_by_box(const Tensor& x, const Tensor& gradient) const {
  constexpr double kOnBound = 1e-6;
  return ((gradient > 0) & (x > high - kOnBound)) | ((gradient < 0) & (x < low + kOnBound));
}

Tensor ThreatModel::project(const Tensor& x, const Tensor& delta) const {
  return geometry_of(norm).project(*this, x, delta);
}
Tensor ThreatModel::distance(const Tensor& x, const Tensor& other) const {
  return geometry_of(norm).distance(*this, x, other);
}
Tensor ThreatModel::slack() const { return geometry_of(norm).slack(*this); }

Tensor ThreatModel::limit() const { return (epsilon + slack()).view(-1); }

Tensor ThreatModel::contains(const Tensor& x, const Tensor& other) const {
  return contains_at(distance(x, other), other);
}
Tensor ThreatModel::contains_at(const Tensor& distance, const Tensor& other) const {
  constexpr double kRounding = 1e-6;
  const Tensor box =  // nothing that is not finite is in it
      ((other >= low - kRounding) & (other <= high + kRounding)).flatten(1).all(1);
  return box & (distance <= limit());
}

ThreatModel ThreatModel::rows(const Tensor& sample) const {
  ThreatModel out = *this;
  if (epsilon.size(0) > 1) out.epsilon = epsilon.index_select(0, sample);
  return out;
}

}  // namespace gauntlet
