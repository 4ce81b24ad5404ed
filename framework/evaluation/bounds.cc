#include "evaluation/bounds.h"

#include <fmt/format.h>

#include "suite/names.h"

namespace gauntlet::evaluation {

results::Threat threat_of(const suite::ThreatSpec& spec) {
  return {spec.name, suite::to_string(spec.norm), spec.epsilon};
}

ThreatModel threat_model(Norm norm, double epsilon, const torch::TensorOptions& options) {
  return {norm, torch::full({1, 1, 1, 1}, epsilon, options), 0, 1};
}

Tensor ball_tolerance(const Tensor& epsilon) { return ThreatModel{Norm::kL2, epsilon}.slack(); }

namespace {
// What the worst of those outside did, where epsilon allows less.
std::string beyond_text(Norm norm, double distance, double epsilon) {
  if (is_ball(norm))
    return fmt::format("leave the ball, the worst is {:.6g} away where epsilon is {:.6g}", distance,
                       epsilon);
  const auto sized = [&](double size) { return suite::sized(norm, fmt::format("{:.6g}", size)); };
  if (norm == Norm::kL0)
    return fmt::format("change too many pixels, the worst {} where epsilon is {}", sized(distance),
                       sized(epsilon));
  if (norm == Norm::kPatch)
    return fmt::format("leave the square, the worst changes one of {} a side where epsilon is {}",
                       sized(distance), sized(epsilon));
  return fmt::format("are no {} of their images by up to {}", name_of(norm), sized(epsilon));
}
}  // namespace

std::string bounds_problem(const ThreatModel& threat, const Tensor& x, const Tensor& candidate,
                           const Tensor& used) {
  const Tensor rows = used.nonzero().squeeze(1);
  if (rows.size(0) == 0) return "";
  const Tensor c = candidate.index_select(0, rows), clean = x.index_select(0, rows);
  const Tensor finite = c.isfinite().flatten(1).all(1);
  const int64_t n = rows.size(0);
  if (const int64_t bad = n - finite.sum().item<int64_t>(); bad > 0)
    return fmt::format("{} of {} adversarial inputs are not finite", bad, n);
  const Tensor beyond = torch::maximum(threat.low - c, c - threat.high).flatten(1).amax(1);
  if (const int64_t bad = (beyond > 1e-6).sum().item<int64_t>(); bad > 0)
    return fmt::format("{} of {} adversarial inputs leave the box [{}, {}], the worst by {:.3g}",
                       bad, n, threat.low, threat.high, beyond.max().item<double>());
  const ThreatModel mine = threat.rows(rows);
  const Tensor distance = mine.distance(clean, c), epsilon = mine.epsilon.view(-1);
  const Tensor over = distance > mine.limit();
  if (const int64_t bad = over.sum().item<int64_t>(); bad > 0) {
    const int64_t worst = (distance - epsilon).argmax().item<int64_t>();
    const auto of_worst = [&](const Tensor& t) { return t.expand({n})[worst].item<double>(); };
    return fmt::format("{} of {} adversarial inputs {}", bad, n,
                       beyond_text(threat.norm, of_worst(distance), of_worst(epsilon)));
  }
  return "";
}

}  // namespace gauntlet::evaluation
