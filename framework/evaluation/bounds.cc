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

Tensor ball_tolerance(const Tensor& epsilon) { return epsilon * 1e-5 + 1e-6; }

Tensor inside(const ThreatModel& threat, const Tensor& x, const Tensor& candidate) {
  const Tensor limit = (threat.epsilon + ball_tolerance(threat.epsilon)).view(-1);
  const Tensor box =
      ((candidate >= threat.low - 1e-6) & (candidate <= threat.high + 1e-6)).flatten(1).all(1);
  return box & (threat.distance(x, candidate) <= limit);
}

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
  const Tensor over = distance > epsilon + ball_tolerance(epsilon);
  if (const int64_t bad = over.sum().item<int64_t>(); bad > 0) {
    const int64_t worst = (distance - epsilon).argmax().item<int64_t>();
    const auto of_worst = [&](const Tensor& t) { return t.expand({n})[worst].item<double>(); };
    return fmt::format(
        "{} of {} adversarial inputs leave the ball, the worst is {:.6g} away where epsilon is "
        "{:.6g}",
        bad, n, of_worst(distance), of_worst(epsilon));
  }
  return "";
}

}  // namespace gauntlet::evaluation
