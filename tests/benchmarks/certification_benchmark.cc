// Counting noisy copies for a certificate against bare forwards of batches of 256 noisy images.
// ResNet-20 at random weights, 512 copies in all of one image or of 25; the ratio is the median of
// 10 interleaved pairs.
#include <ATen/Parallel.h>
#include <benchmark/benchmark.h>

#include "evaluation/defended_model.h"
#include "measuring.h"
#include "models/architectures/build_network.h"
#include "run_benchmarks.h"

namespace gauntlet {
namespace {
using namespace benchmarks;

constexpr int64_t kRows = 256, kCopies = 512;
constexpr int kPairs = 10;
constexpr double kSigma = 0.25;

struct Vote final : Defense, Votes {
  int64_t mc_samples() const override { return 1; }
  Tensor perturb(const Tensor& x, Noise& noise) override {
    return x + kSigma * noise.normal(x.sizes().slice(1));
  }
  Tensor ballot(const Outputs& out) override {
    return torch::zeros_like(out.logits).scatter(1, out.logits.argmax(1, true), 1);
  }
};

void counting(benchmark::State& state) {
  const at::NoGradGuard no_graph;
  at::set_num_threads(int(state.range(1)));
  models::NetworkSpec spec;
  spec.architecture = "resnet20", spec.input = {3, 32, 32}, spec.classes = 10;
  const std::shared_ptr<models::Network> network = build_network(spec);
  network->set_trainable(false);
  evaluation::DefendedModel model(network, {}, {{"vote", std::make_shared<Vote>()}});
  const int64_t images = state.range(0), draws = kCopies / images;
  const Tensor index = torch::arange(images);
  Noise noise = noise_for(1, evaluation::Stream::kCertify, index);
  const Tensor x = noise.uniform({3, 32, 32});
  model.probe(x.narrow(0, 0, 1).repeat({8, 1, 1, 1}));
  const Tensor batch = x.narrow(0, 0, 1).repeat({kRows, 1, 1, 1});
  const auto bare = [&] {
    Tensor counts = torch::zeros({10});
    for (int64_t done = 0; done < images * draws; done += kRows) {
      const Tensor part = batch.narrow(0, 0, std::min(kRows, images * draws - done));
      const Tensor z =
          network->forward(part + kSigma * torch::randn_like(part), {}, {}, models::Mode::kEvaluate)
              .logits;
      counts += torch::bincount(z.argmax(1), {}, 10);
    }
    return counts;
  };
  std::vector<double> ratios, through, hand;
  for (auto _ : state) {
    bare(), model.ballots(x, noise, draws);  // warms up
    for (int pair = 0; pair < kPairs; ++pair) {
      hand.push_back(seconds_of([&] { benchmark::DoNotOptimize(bare()); }));
      through.push_back(
          seconds_of([&] { benchmark::DoNotOptimize(model.ballots(x, noise, draws)); }));
      ratios.push_back(through.back() / hand.back());
    }
  }
  state.counters["ratio"] = median(ratios);
  state.counters["ballots_ms"] = 1e3 * median(through);
  state.counters["bare_ms"] = 1e3 * median(hand);
}
BENCHMARK(counting)
    ->ArgNames({"images", "threads"})
    ->Args({1, 1})
    ->Args({25, 1})
    ->Iterations(1)
    ->Unit(benchmark::kSecond);

}  // namespace
}  // namespace gauntlet

int main(int argc, char** argv) { return gauntlet::benchmarks::run_benchmarks(argc, argv); }
