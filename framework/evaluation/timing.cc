#include "evaluation/timing.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <chrono>
#include <limits>

#include "evaluation/craft.h"

namespace gauntlet::evaluation {
namespace {

constexpr int64_t kRows = 64;
constexpr int kSteps = 3;
constexpr double kLong = 0.25;    // seconds of a step: of such a network every core has its share
constexpr double kAsFast = 1.05;  // times the best

// Gradient steps through the host's own target, each timed.
struct Steps final : Attack {
  int count = kSteps;
  double best = std::numeric_limits<double>::infinity();

  AttackFacts facts() const override { return {Access::kGradient}; }
  Tensor run(Target& target, const Task& task) override {
    for (int i = 0; i <= count; ++i) {  // the first one warms up
      const auto start = std::chrono::steady_clock::now();
      target.gradient(task.x, cross_entropy(task.goal));
      const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
      if (i > 0) best = std::min(best, took.count());
      if (i == 0 && took.count() > kLong) count = 1;
    }
    return task.x;
  }
};

class Threads {
 public:
  Threads() = default;
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;
  ~Threads() { at::set_num_threads(before_); }

 private:
  const int before_ = at::get_num_threads();
};

double seconds_of_step(DefendedModel& model, const CraftBatch& batch, Laboratory& laboratory) {
  const ThreatModel threat{Norm::kLinf, torch::zeros({1, 1, 1, 1}, batch.x.options()), 0, 1};
  CraftRules rules;
  rules.track = false;
  Steps steps;
  craft(steps, model, batch, threat, rules, laboratory);
  return steps.best;
}
}  // namespace

int fewest_that_help(const std::vector<std::pair<int, double>>& measured) {
  double best = std::numeric_limits<double>::infinity();
  for (const auto& [threads, seconds] : measured) best = std::min(best, seconds);
  int fewest = measured.front().first;
  for (const auto& [threads, seconds] : measured)
    if (seconds <= kAsFast * best) fewest = std::min(fewest, threads);
  return fewest;
}

GradientTime time_gradients(DefendedModel& model, const data::Dataset& data, Laboratory& laboratory,
                            int64_t batch_size, int most) {
  const at::NoGradGuard no_graph;
  const Tensor index = torch::arange(std::min({batch_size, kRows, data.size()}));
  const CraftBatch batch{data.x(index).to(laboratory.device()),
                         data.y(index).to(laboratory.device()), index.to(laboratory.device())};
  const Threads put_back;
  std::vector<std::pair<int, double>> measured;
  for (int threads = most; threads >= 1; threads /= 2) {
    at::set_num_threads(threads);
    measured.emplace_back(threads, seconds_of_step(model, batch, laboratory));
    if (laboratory.device().is_cuda() || measured.front().second > kLong) break;
    if (measured.back().second > 1.5 * measured.front().second) break;  // fewer are slower still
  }
  const int threads = fewest_that_help(measured);
  const auto chosen = std::find_if(measured.begin(), measured.end(),
                                   [&](const auto& one) { return one.first == threads; });
  return {chosen->second / double(index.size(0)), threads};
}

}  // namespace gauntlet::evaluation
