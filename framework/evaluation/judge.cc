#include "evaluation/judge.h"

#include <fmt/format.h>

namespace gauntlet {

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
  if (const int64_t bad = over.sum().item<int64_t>(); bad > 0)
    return fmt::format(
        "{} of {} adversarial inputs leave the ball, the worst is {:.6g} away where epsilon is "
        "{:.6g}",
        bad, n, distance.max().item<double>(), epsilon.max().item<double>());
  return "";
}

void add_by_trial(std::vector<int64_t>& sums, const Tensor& right) {
  const Tensor hits = right.to(torch::kLong).sum(1).cpu();
  sums.resize(size_t(hits.size(0)));
  for (size_t t = 0; t < sums.size(); ++t) sums[t] += hits.const_data_ptr<int64_t>()[t];
}

Verdict judge(DefendedModel& model, const Tensor& x, const Tensor& y, const Tensor& index,
              uint64_t seed, Stream stream, int64_t trials) {
  Verdict verdict;
  const Noise noise = noise_for(seed, stream, index);
  std::vector<Tensor> right, answers;
  for (int64_t t = 0; t < trials; ++t) {
    const DefendedModel::Decision d = model.decide(x.clone(), noise.at(t));  // a copy is lent
    verdict.forwards += d.forwards;
    answers.push_back(d.answer);
    right.push_back(d.answer == y);
    verdict.faulty = t > 0 ? verdict.faulty | d.faulty : d.faulty;
    if (t > 0) continue;
    verdict.confidence = d.confidence;
    const Tensor label = y.unsqueeze(1), own = d.confidence.gather(1, label).squeeze(1);
    const double lowest = -std::numeric_limits<float>::infinity();
    verdict.margin = (own - std::get<0>(d.confidence.scatter(1, label, lowest).max(1)))
                         .masked_fill(d.answer == DefendedModel::kNoAnswer, -1);
  }
  verdict.right = torch::stack(right);
  verdict.predicted = std::get<0>(torch::stack(answers).mode(0)).clamp_min(DefendedModel::kRefused);
  return verdict;
}

}  // namespace gauntlet
