#include "evaluation/judge.h"

namespace gauntlet::evaluation {

void add_by_trial(std::vector<int64_t>& sums, const Tensor& right) {
  const Tensor hits = right.to(torch::kLong).sum(1).cpu();
  sums.resize(size_t(hits.size(0)));
  for (size_t t = 0; t < sums.size(); ++t) sums[t] += hits.const_data_ptr<int64_t>()[t];
}

Verdict judge(DefendedModel& model, const Tensor& x, const Tensor& y, const Tensor& index,
              uint64_t seed, Stream stream, int64_t trials, DrawMemory* memory) {
  Verdict verdict;
  const Noise noise = noise_for(seed, stream, index);
  std::vector<Tensor> right, answers;
  for (int64_t t = 0; t < trials; ++t) {
    const DefendedModel::Decision d =  // a copy is lent
        model.decide(x.clone(), noise.at(t), models::Mode::kEvaluate, memory);
    verdict.forwards += d.forwards;
    answers.push_back(d.answer);
    right.push_back(d.answer == y);
    verdict.faulty = t > 0 ? verdict.faulty | d.faulty : d.faulty;
    if (t > 0) continue;
    verdict.confidence = d.confidence, verdict.score = d.score;
    const Tensor label = y.unsqueeze(1), own = d.confidence.gather(1, label).squeeze(1);
    const double lowest = -std::numeric_limits<float>::infinity();
    verdict.margin = (own - std::get<0>(d.confidence.scatter(1, label, lowest).max(1)))
                         .masked_fill(d.answer == DefendedModel::kNoAnswer, -1);
  }
  verdict.right = torch::stack(right);
  verdict.predicted = std::get<0>(torch::stack(answers).mode(0)).clamp_min(DefendedModel::kRefused);
  return verdict;
}

}  // namespace gauntlet::evaluation
