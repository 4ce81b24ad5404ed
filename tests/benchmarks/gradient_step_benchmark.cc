// A gradient step through the Target against a bare, hand-written, optimised LibTorch loop: batch
// norm folded, channels last, no parameter gradients. ResNet-20 at random weights, batches of 128
// and of 8, which is what is left to attack in many a batch. The pairs are interleaved, so that
// whatever else the machine does hits both; the ratio is the median of 30.
#include <ATen/Parallel.h>
#include <benchmark/benchmark.h>

#include "bare_resnet.h"
#include "evaluation/craft.h"
#include "evaluation/defended_model.h"
#include "measuring.h"
#include "models/architectures/build_network.h"
#include "run_benchmarks.h"

namespace gauntlet {
namespace {
using namespace benchmarks;

constexpr int kPairs = 30;

// Asks for gradients when the benchmark says so.
struct Stepper final : Attack {
  std::function<void(const std::function<Tensor()>&)> body;
  AttackFacts facts() const override { return {Access::kGradient}; }
  Tensor run(Target& target, const Task& task) override {
    body([&] { return target.gradient(task.x, cross_entropy(task.goal)).x; });
    return task.x;
  }
};
struct Nowhere final : evaluation::Environment {
  evaluation::DefendedModel& model(const ModelRef&) override {
    throw std::logic_error("no other model");
  }
  std::unique_ptr<Attack> attack(const Use&) override { throw std::logic_error("no other attack"); }
};

void gradient_step(benchmark::State& state) {
  at::set_num_threads(int(state.range(0)));
  models::NetworkSpec spec;
  spec.architecture = "resnet20", spec.input = {3, 32, 32}, spec.classes = 10;
  const std::shared_ptr<models::Network> network = build_network(spec);
  const BareFolded bare = folded(*network);
  network->set_trainable(false);
  evaluation::DefendedModel model(network, {}, {});
  const Tensor index = torch::arange(state.range(1));
  Noise noise = noise_for(1, evaluation::Stream::kProbe, index);
  const Tensor x = noise.uniform({3, 32, 32});
  model.probe(x.narrow(0, 0, 8));
  const evaluation::CraftBatch batch{x, model.decide(x, noise).answer, index};
  const ThreatModel threat{Norm::kLinf, torch::zeros({1, 1, 1, 1}), 0, 1};
  Stepper attack;
  Nowhere nowhere;
  std::vector<double> ratios, through, hand;
  for (auto _ : state) {
    attack.body = [&](const std::function<Tensor()>& step) {
      const Tensor a = step(), b = bare.gradient(batch.x, batch.y);  // warms up
      if (!torch::allclose(a, b, 1e-3, 1e-5)) state.SkipWithError("the two gradients differ");
      for (int pair = 0; pair < kPairs; ++pair) {
        hand.push_back(
            seconds_of([&] { benchmark::DoNotOptimize(bare.gradient(batch.x, batch.y)); }));
        through.push_back(seconds_of([&] { benchmark::DoNotOptimize(step()); }));
        ratios.push_back(through.back() / hand.back());
      }
    };
    craft(attack, model, batch, threat, {}, nowhere);
  }
  state.counters["ratio"] = median(ratios);
  state.counters["target_ms"] = 1e3 * median(through);
  state.counters["bare_ms"] = 1e3 * median(hand);
}
BENCHMARK(gradient_step)
    ->ArgNames({"threads", "batch"})
    ->ArgsProduct({{1, 2}, {128, 8}})
    ->Iterations(1)
    ->Unit(benchmark::kSecond);

}  // namespace
}  // namespace gauntlet

int main(int argc, char** argv) { return gauntlet::benchmarks::run_benchmarks(argc, argv); }
