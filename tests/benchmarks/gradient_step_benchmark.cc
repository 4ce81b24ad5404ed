// A gradient step through the Target against a bare, hand-written, optimised LibTorch loop: batch
// norm folded, channels last, no parameter gradients. ResNet-20 at random weights, batch 128. The
// pairs are interleaved, so that whatever else the machine does hits both; the ratio is the median
// of 30.
#include <ATen/Parallel.h>
#include <benchmark/benchmark.h>
#include <torch/csrc/autograd/autograd.h>

#include <chrono>

#include "evaluation/craft.h"

namespace gauntlet {
namespace {
using Clock = std::chrono::steady_clock;

constexpr int64_t kBatch = 128;
constexpr int kPairs = 30;

// ResNet-20 with option A shortcuts, written out: weights already folded and in channels-last
// order.
struct BareResNet {
  struct Conv {
    Tensor weight, bias;
    int64_t stride;
  };
  std::vector<Conv> convs;
  Tensor weight, bias;

  explicit BareResNet(const Network& network) {
    std::map<std::string, Tensor> t;
    for (const NamedTensor& named : network.tensors()) t[named.name] = named.tensor.detach();
    add(t, "conv1", "bn1", 1);
    for (int stage = 1; stage <= 3; ++stage)
      for (int block = 0; block < 3; ++block) {
        const std::string name =
            "layer" + std::to_string(stage) + "." + std::to_string(block) + ".";
        add(t, name + "conv1", name + "bn1", stage > 1 && block == 0 ? 2 : 1);
        add(t, name + "conv2", name + "bn2", 1);
      }
    weight = t.at("linear.weight"), bias = t.at("linear.bias");
  }
  void add(const std::map<std::string, Tensor>& t, const std::string& conv, const std::string& bn,
           int64_t stride) {
    const Tensor scale = t.at(bn + ".weight") / (t.at(bn + ".running_var") + 1e-5).sqrt();
    const Tensor folded = t.at(conv + ".weight") * scale.view({-1, 1, 1, 1});
    convs.push_back({folded.contiguous(at::MemoryFormat::ChannelsLast),
                     t.at(bn + ".bias") - t.at(bn + ".running_mean") * scale, stride});
  }
  Tensor forward(const Tensor& input) const {
    const auto conv = [](const Conv& c, const Tensor& a) {
      return torch::conv2d(a, c.weight, c.bias, c.stride, 1);
    };
    Tensor a = conv(convs[0], input.contiguous(at::MemoryFormat::ChannelsLast)).relu_();
    for (size_t i = 1; i < convs.size(); i += 2) {
      Tensor shortcut = a;
      if (convs[i].stride == 2) {
        const int64_t pad = a.size(1) / 2;
        shortcut = torch::constant_pad_nd(
            a.slice(2, 0, c10::nullopt, 2).slice(3, 0, c10::nullopt, 2), {0, 0, 0, 0, pad, pad});
      }
      a = conv(convs[i + 1], conv(convs[i], a).relu_()).add_(shortcut).relu_();
    }
    return torch::linear(a.mean({2, 3}), weight, bias);
  }
  Tensor gradient(const Tensor& x, const Tensor& y) const {
    const at::AutoGradMode graph(true);
    const Tensor leaf = x.detach().requires_grad_(true);
    const Tensor loss = torch::cross_entropy_loss(forward(leaf), y, {}, at::Reduction::Sum);
    return torch::autograd::grad({loss}, {leaf})[0];
  }
};

// Asks for gradients when the benchmark says so.
struct Stepper final : Attack {
  std::function<void(const std::function<Tensor()>&)> body;
  AttackFacts facts() const override { return {Access::kGradient}; }
  Tensor run(Target& target, const Task& task) override {
    body([&] { return target.gradient(task.x, cross_entropy(task.goal)).x; });
    return task.x;
  }
};
struct Nowhere final : Environment {
  DefendedModel& model(const std::string&) override { throw std::logic_error("no other model"); }
  std::unique_ptr<Attack> attack(const Use&) override { throw std::logic_error("no other attack"); }
};

double seconds_of(const std::function<void()>& f) {
  const auto start = Clock::now();
  f();
  return std::chrono::duration<double>(Clock::now() - start).count();
}
double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
  return values[values.size() / 2];
}

void gradient_step(benchmark::State& state) {
  at::set_num_threads(int(state.range(0)));
  NetworkSpec spec;
  spec.architecture = "resnet20", spec.input = {3, 32, 32}, spec.classes = 10;
  const std::shared_ptr<Network> network = build_network(spec);
  const BareResNet bare(*network);
  network->set_trainable(false);
  DefendedModel model(network, {}, {});
  const Tensor index = torch::arange(kBatch);
  Noise noise = noise_for(1, Stream::kProbe, index);
  const Tensor x = noise.uniform({3, 32, 32});
  model.probe(x.narrow(0, 0, 8));
  const CraftBatch batch{x, model.decide(x, noise).answer, index};
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
    ->ArgName("threads")
    ->Arg(1)
    ->Arg(2)
    ->Iterations(1)
    ->Unit(benchmark::kSecond);

}  // namespace
}  // namespace gauntlet

BENCHMARK_MAIN();
