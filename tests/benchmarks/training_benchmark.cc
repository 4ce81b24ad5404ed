// A step of adversarial training (inner PGD of 7 steps) through the trainer and its plugins against
// a bare, hand-written, optimised LibTorch loop that does the same: crop and flip, folded inner
// attack, channels last, Nesterov. ResNet-20, batch 128, in float32 and in bfloat16. The pairs are
// interleaved, so that whatever else the machine does hits both; the ratio is the median.
#include <ATen/Parallel.h>
#include <benchmark/benchmark.h>

#include <cstdlib>

#include "bare_resnet.h"
#include "library/plugin_library.h"
#include "measuring.h"
#include "models/architectures/build_network.h"
#include "run_benchmarks.h"
#include "training/batches.h"
#include "training/session.h"

namespace gauntlet {
namespace {
using namespace benchmarks;

constexpr int64_t kBatch = 128, kSteps = 7;
constexpr int kPairs = 15;
constexpr double kEpsilon = 8.0 / 255, kStepSize = 2.0 / 255, kLearningRate = 0.05;

// The loop a researcher would write for this one purpose.
class BareTrainer {
 public:
  BareTrainer(const models::Network& network, const data::Dataset& data, at::ScalarType type)
      : data_(data), type_(type), values_(values_of(network)) {
    each_convolution([&](const std::string& conv, const std::string& norm, int64_t stride) {
      names_.emplace_back(conv, norm), strides_.push_back(stride);
    });
    for (auto& [name, value] : values_) {
      if (name.find("running") != std::string::npos) continue;
      parameters_.push_back(value.requires_grad_(true));
      momenta_.push_back(torch::zeros_like(value).detach());
      decays_.push_back(value.dim() > 1 ? 5e-4 : 0);
    }
  }

  double step(const Tensor& samples) {
    const Tensor x = augmented(samples), y = data_.y(samples);
    const Tensor adversarial = attacked(x, y);
    const Tensor loss = torch::cross_entropy_loss(forward(adversarial), y);
    update(torch::autograd::grad({loss}, parameters_));
    return loss.item<double>();
  }

  Tensor forward(const Tensor& x) {
    const auto conv = [&](size_t i, const Tensor& a) {
      const auto& [conv_name, norm] = names_[i];
      const Tensor w = values_.at(conv_name + ".weight").to(type_);
      const Tensor out = torch::conv2d(a.to(type_), w.contiguous(at::MemoryFormat::ChannelsLast),
                                       {}, strides_[i], 1);
      return torch::batch_norm(out, values_.at(norm + ".weight"), values_.at(norm + ".bias"),
                               values_.at(norm + ".running_mean"),
                               values_.at(norm + ".running_var"), true, 0.1, 1e-5, false);
    };
    return torch::linear(wired(conv, strides_, x), values_.at("linear.weight").to(type_),
                         values_.at("linear.bias").to(type_))
        .to(torch::kFloat);
  }

 private:
  // One crop and one flip for the whole batch: cheaper than what the trainer does.
  Tensor augmented(const Tensor& samples) const {
    const Tensor padded = torch::constant_pad_nd(data_.x(samples), {4, 4, 4, 4});
    return padded.narrow(2, std::rand() % 9, 32).narrow(3, std::rand() % 9, 32).flip({3});
  }

  Tensor attacked(const Tensor& x, const Tensor& y) {
    const at::NoGradGuard no_graph;
    BareFolded folded;
    for (size_t i = 0; i < names_.size(); ++i) {
      const auto& [conv, norm] = names_[i];
      folded.add(values_.at(conv + ".weight"), values_.at(norm + ".weight"),
                 values_.at(norm + ".bias"), values_.at(norm + ".running_mean"),
                 values_.at(norm + ".running_var"), strides_[i], type_);
    }
    folded.weight = values_.at("linear.weight").detach().to(type_);
    folded.bias = values_.at("linear.bias").detach().to(type_);
    const Tensor low = (x - kEpsilon).clamp_min_(0), high = (x + kEpsilon).clamp_max_(1);
    Tensor z = torch::rand_like(x).mul_(2 * kEpsilon).sub_(kEpsilon).add_(x).clamp_(0, 1);
    for (int64_t step = 0; step < kSteps; ++step)
      z = torch::min(torch::max(z + kStepSize * folded.gradient(z, y).sign_(), low), high);
    return z;
  }

  void update(const std::vector<Tensor>& gradients) {
    const at::NoGradGuard no_graph;
    for (size_t i = 0; i < parameters_.size(); ++i) {
      const Tensor gradient =
          decays_[i] > 0 ? gradients[i].add(parameters_[i], decays_[i]) : gradients[i];
      momenta_[i].mul_(0.9).add_(gradient);
      parameters_[i].sub_(gradient.add(momenta_[i], 0.9), kLearningRate);
    }
  }

  const data::Dataset& data_;
  const at::ScalarType type_;
  std::map<std::string, Tensor> values_;
  std::vector<std::pair<std::string, std::string>> names_;
  std::vector<int64_t> strides_;
  std::vector<Tensor> parameters_, momenta_;
  std::vector<double> decays_;
};

data::Dataset noise_data(int64_t size) {
  data::Dataset data;
  data.id = "noise";
  Noise noise = training_noise(1, training::TrainingNoise::kMethod, torch::arange(size));
  data.images = (noise.uniform({3, 32, 32}) * 255).to(torch::kByte);
  data.labels = (noise.uniform({1}).squeeze(1) * 10).to(torch::kLong);
  return data;
}

training::Recipe recipe_of(training::Precision precision) {
  training::Recipe recipe;
  recipe.network.architecture = "resnet20";
  recipe.network.input = {3, 32, 32}, recipe.network.classes = 10;
  recipe.optimizer.momentum = 0.9, recipe.optimizer.nesterov = true;
  recipe.optimizer.weight_decay = 5e-4;
  recipe.augmentation = {.crop_padding = 4, .flip = true};
  recipe.threat = suite::ThreatSpec{"training", Norm::kLinf, kEpsilon, "8/255"};
  recipe.batch_size = kBatch;
  recipe.precision = precision;
  recipe.method =
      Use{"adversarial_training",
          {{"attack", ParamMap{{"use", "pgd"}, {"steps", kSteps}, {"step_size", kStepSize}}}}};
  return recipe;
}

void training_step(benchmark::State& state) {
  at::set_num_threads(int(state.range(0)));
  const training::Precision precision =
      state.range(1) == 16 ? training::Precision::kBFloat16 : training::Precision::kFloat32;
  const library::PluginLibrary plugins({build_folder() / "plugins"});
  const training::Recipe recipe = recipe_of(precision);
  const data::Dataset data = noise_data(kBatch * (kPairs + 1));
  training::TrainingParts parts;
  parts.network = build_network(recipe.network);
  parts.method = plugins.defense(recipe.method->plugin, recipe.method->with);
  parts.make_attack = [&](const Use& use) { return plugins.attack(use.plugin, use.with); };
  BareTrainer bare(*parts.network, data, state.range(1) == 16 ? at::kBFloat16 : at::kFloat);
  const Tensor some = torch::arange(kBatch);
  const Noise quiet = training_noise(0, training::TrainingNoise::kLayers, some);
  const models::Mode mode =
      precision == training::Precision::kBFloat16 ? models::Mode::kTrainHalf : models::Mode::kTrain;
  if (!torch::allclose(parts.network->forward(data.x(some), quiet, {}, mode).logits,
                       bare.forward(data.x(some)), 1e-3, 1e-4))
    return state.SkipWithError("the two networks differ");
  training::TrainingSession session(recipe, parts);
  auto& method = dynamic_cast<Trains&>(*parts.method);
  session.start(method, {});
  const Tensor order = torch::arange(data.size());
  std::vector<double> ratios, ours, hand;
  for (auto _ : state) {
    training::TrainingBatches batches(data, order, recipe, 0);
    for (int pair = 0; pair <= kPairs; ++pair) {  // the first warms up
      const auto our_step = [&] {
        session.begin_batch(batches.next(), pair, 0, kLearningRate);
        method.step(session, session.batch());
      };
      const auto bare_step = [&] { bare.step(order.narrow(0, kBatch * pair, kBatch)); };
      double mine = 0, theirs = 0;
      for (const bool own : {pair % 2 == 0, pair % 2 == 1})  // neither always goes first
        if (own)
          mine = seconds_of(our_step);
        else
          theirs = seconds_of(bare_step);
      if (pair == 0) continue;
      ours.push_back(mine), hand.push_back(theirs), ratios.push_back(theirs / mine);
    }
  }
  state.counters["throughput_ratio"] = median(ratios);
  state.counters["trainer_ms"] = 1e3 * median(ours);
  state.counters["bare_ms"] = 1e3 * median(hand);
}
BENCHMARK(training_step)
    ->ArgNames({"threads", "bits"})
    ->Args({1, 32})
    ->Args({2, 32})
    ->Args({2, 16})
    ->Iterations(1)
    ->Unit(benchmark::kSecond);

}  // namespace
}  // namespace gauntlet

int main(int argc, char** argv) { return gauntlet::benchmarks::run_benchmarks(argc, argv); }
