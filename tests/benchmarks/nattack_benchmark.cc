// NAttack's queries a second against bare forwards of the same images: what the search itself and
// the Target cost. ResNet-20 at random weights, 8 images, a population of 100, 20 steps. At epsilon
// 0 nothing is fooled, so that every query is made. The pairs are interleaved; the ratio is the
// median of 5. Memory is kept as the program keeps it.
#include <ATen/Parallel.h>
#include <benchmark/benchmark.h>

#include "bare_resnet.h"
#include "base/keep_memory.h"
#include "evaluation/craft.h"
#include "evaluation/defended_model.h"
#include "measuring.h"
#include "models/architectures/build_network.h"
#include "run_benchmarks.h"
#include "tests/toys/toy_model.h"

namespace gauntlet {
namespace {
using namespace benchmarks;

constexpr int64_t kImages = 8, kPopulation = 100, kSteps = 20;
constexpr int kPairs = 5;

// A population at a time.
void bare_forwards(const BareFolded& bare, const Tensor& x) {
  const at::NoGradGuard no_graph;
  for (int64_t step = 0; step < kSteps; ++step)
    for (int64_t i = 0; i < kImages; ++i)
      benchmark::DoNotOptimize(bare.forward(x.narrow(0, i, 1).repeat({kPopulation, 1, 1, 1})));
}

void nattack(benchmark::State& state) {
  keep_freed_memory();
  at::set_num_threads(int(state.range(0)));
  models::NetworkSpec spec;
  spec.architecture = "resnet20", spec.input = {3, 32, 32}, spec.classes = 10;
  const std::shared_ptr<models::Network> network = build_network(spec);
  const BareFolded bare = folded(*network);
  network->set_trainable(false);
  evaluation::DefendedModel model(network, {}, {});
  const Tensor index = torch::arange(kImages);
  Noise noise = noise_for(1, evaluation::Stream::kProbe, index);
  const Tensor x = noise.uniform({3, 32, 32});
  model.probe(x);
  const evaluation::CraftBatch batch{x, model.decide(x, noise).answer, index};
  const ThreatModel threat{Norm::kLinf, torch::zeros({1, 1, 1, 1}), 0, 1};
  const auto attack = toys::entry_of(benchmarks::build_folder() / "plugins/attacks/nattack.so")
                          .attack({{"steps", kSteps}, {"population", kPopulation}});
  toys::ToyEnvironment nowhere;
  std::vector<double> ratios, through, hand;
  int64_t queries = 0;
  const auto search = [&] {
    queries = craft(*attack, model, batch, threat, {}, nowhere).ledger.forwards;
  };
  for (auto _ : state) {
    bare_forwards(bare, x), search();  // warms up
    if (queries != kImages * (kSteps * kPopulation + kSteps / 10))
      state.SkipWithError("not every query was made");
    for (int pair = 0; pair < kPairs; ++pair) {
      hand.push_back(seconds_of([&] { bare_forwards(bare, x); }));
      through.push_back(seconds_of(search));
      ratios.push_back(hand.back() / through.back());
    }
  }
  state.counters["ratio"] = median(ratios);
  state.counters["queries_per_second"] = double(queries) / median(through);
  state.counters["bare_per_second"] = double(kImages * kSteps * kPopulation) / median(hand);
}
BENCHMARK(nattack)->ArgName("threads")->Arg(1)->Arg(2)->Iterations(1)->Unit(benchmark::kSecond);

}  // namespace
}  // namespace gauntlet

int main(int argc, char** argv) { return gauntlet::benchmarks::run_benchmarks(argc, argv); }
