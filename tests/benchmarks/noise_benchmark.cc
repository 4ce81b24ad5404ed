// Our counter-based noise against LibTorch's sequential generator: what both give is a fresh
// tensor.
#include <ATen/Parallel.h>
#include <benchmark/benchmark.h>

#include "gauntlet/noise.h"

namespace {
using namespace gauntlet;

constexpr int64_t kShared = 3'700'000;  // about the weights of ResNet-110

Noise noise_of(int64_t rows) {
  Noise noise;
  noise.key.seed = 1;
  noise.key.id = torch::arange(rows);
  noise.key.place = torch::zeros({rows}, torch::kLong);
  return noise;
}

void measure(benchmark::State& state, const std::function<Tensor()>& draw) {
  at::set_num_threads(int(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(draw().data_ptr());
  state.SetItemsProcessed(state.iterations() * draw().numel());
}

void rows_normal_ours(benchmark::State& state) {
  Noise noise = noise_of(256);
  measure(state, [&] { return noise.normal({3, 32, 32}); });
}
void rows_normal_torch(benchmark::State& state) {
  measure(state, [] { return torch::empty({256, 3, 32, 32}).normal_(); });
}
void rows_uniform_ours(benchmark::State& state) {
  Noise noise = noise_of(256);
  measure(state, [&] { return noise.uniform({3, 32, 32}); });
}
void rows_uniform_torch(benchmark::State& state) {
  measure(state, [] { return torch::empty({256, 3, 32, 32}).uniform_(); });
}
void shared_normal_ours(benchmark::State& state) {
  Noise noise = noise_of(1);
  measure(state, [&] { return noise.shared_normal({kShared}); });
}
void shared_normal_torch(benchmark::State& state) {
  measure(state, [] { return torch::empty({kShared}).normal_(); });
}

#define THREADS Arg(1)->Arg(2)->ArgName("threads")->UseRealTime()->Unit(benchmark::kMillisecond)
BENCHMARK(rows_normal_ours)->THREADS;
BENCHMARK(rows_normal_torch)->THREADS;
BENCHMARK(rows_uniform_ours)->THREADS;
BENCHMARK(rows_uniform_torch)->THREADS;
BENCHMARK(shared_normal_ours)->THREADS;
BENCHMARK(shared_normal_torch)->THREADS;
}  // namespace

BENCHMARK_MAIN();
