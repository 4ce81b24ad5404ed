// Noise in layers: off, its slopes, where it acts, and how it averages out.
#include "plugins/defenses/noise/layer_noise.h"

namespace gauntlet {
namespace {
using namespace toys;

Layer declared(const std::shared_ptr<Defense>& plugin, Layer layer) {
  Declared parameters;
  perturbs(plugin).declare(layer, parameters);
  layer.learned = parameters.tensors;
  return layer;
}
Layer linear_layer(std::vector<int64_t> weight_shape) {
  Layer layer = layer_of(std::move(weight_shape));
  layer.kind = Layer::Kind::kLinear;
  return layer;
}
std::shared_ptr<Defense> pni(const char* where, const char* alpha = "layer") {
  return defense("pni", {{"where", ParamList{where}}, {"alpha", alpha}});
}

TEST(NoiseOff, ActivationsOfPniAreThePlainOnes) {
  Noise noise = noise_of(3);
  const Tensor a = noise.normal({2, 4, 4});
  for (const char* where : {"network_input", "input", "output"}) {
    const auto plugin = pni(where);
    const Layer layer = declared(plugin, activations({2, 4, 4}, {2, 4, 4}));
    const bool output = std::string(where) == "output";
    const auto noisy = [&](Noise own) {
      return output ? perturbs(plugin).output(layer, a, own)
                    : perturbs(plugin).input(layer, a, own);
    };
    EXPECT_FALSE(torch::equal(noisy(noise), a)) << where;
    Noise off = noise;
    off.key.off = true;
    EXPECT_TRUE(torch::equal(noisy(off), a)) << where;
  }
}

TEST(NoiseOff, LinearLayersOfCniAreThePlainOnes) {
  const auto plugin = defense("cni");
  const Layer layer = declared(plugin, linear_layer({6, 4}));
  Noise noise = noise_of(1);
  const Tensor w = noise.shared_normal({6, 4});
  EXPECT_FALSE(torch::equal(perturbs(plugin).weight(layer, w, noise), w));
  noise.key.off = true;
  EXPECT_TRUE(torch::equal(perturbs(plugin).weight(layer, w, noise), w));
}

TEST(NoiseOff, ConvolutionsOfRseAreThePlainOnes) {
  const auto plugin = defense("rse");
  Noise noise = noise_of(3);
  const Tensor a = noise.normal({2, 4, 4});
  for (const int64_t index : {0, 1}) {
    const Layer layer = activations({2, 4, 4}, {2, 4, 4}, index);
    Noise off = noise;
    off.key.off = true;
    EXPECT_FALSE(torch::equal(perturbs(plugin).input(layer, a, noise), a));
    EXPECT_TRUE(torch::equal(perturbs(plugin).input(layer, a, off), a));
  }
}

TEST(Pni, StrengthsOfEveryPlaceLearn) {
  Noise data = noise_of(5, 3);
  const Tensor a = data.normal({2, 2, 2});
  const std::vector<std::pair<const char*, const char*>> places = {
      {"network_input", "alpha_network"}, {"output", "alpha_output"}};
  for (const auto& [where, name] : places)
    for (const char* alpha : {"layer", "channel", "element"}) {
      const auto plugin = pni(where, alpha);
      const bool output = std::string(where) == "output";
      expect_gradient(
          plugin, activations({2, 2, 2}, {2, 2, 2}), name,
          [&](const Layer& layer, const Noise&) {
            Noise five = noise_of(5);
            return (output ? perturbs(plugin).output(layer, a, five)
                           : perturbs(plugin).input(layer, a, five))
                .square()
                .sum();
          },
          0.125, 1e-4);
    }
}

TEST(Pni, NoiseOfTheNetworksInputIsNotInLaterLayers) {
  const auto plugin = pni("network_input");
  Noise noise = noise_of(3);
  const Tensor a = noise.normal({2, 4, 4});
  const Layer first = declared(plugin, activations({2, 4, 4}, {2, 4, 4}, 0));
  const Layer second = declared(plugin, activations({2, 4, 4}, {2, 4, 4}, 1));
  const double expected = 0.25 * a.std().item<double>();
  EXPECT_NEAR((perturbs(plugin).input(first, a, noise) - a).std().item<double>(), expected,
              0.3 * expected);
  EXPECT_TRUE(perturbs(plugin).input(second, a, noise).is_same(a));
  EXPECT_TRUE(perturbs(plugin).output(first, a, noise).is_same(a));
}

TEST(Cni, StrengthsOfLinearLayersLearn) {
  Noise data = noise_of(1, 2);
  const Tensor w = data.shared_normal({6, 4}), x = data.shared_normal({4});
  const auto plugin = defense("cni");
  expect_gradient(
      plugin, linear_layer({6, 4}), "alpha",
      [&](const Layer& layer, Noise noise) {
        return perturbs(plugin).weight(layer, w, noise).mv(x).square().sum();
      },
      0.125, 1e-4);
}

// A weight counts twice: by itself, and in the spread that scales the noise of all.
TEST(Cni, WeightsHaveTheGradientThroughTheirSpread) {
  Noise data = noise_of(1, 4);
  const Tensor w = data.shared_normal({2, 1, 2, 2}), x = data.shared_normal({8});
  for (const char* scale : {"variance", "sd"}) {
    CniLayer cni({{"rank", 2}, {"scale", scale}});
    const auto loss = [&](const Tensor& weight) {
      Noise same = noise_of(1);
      return perturbs(cni.plugin).weight(cni.layer, weight, same).flatten().dot(x).square();
    };
    const Tensor leaf = w.clone().requires_grad_(true);
    const Tensor gradient = torch::autograd::grad({loss(leaf)}, {leaf})[0].flatten();
    const at::NoGradGuard no_graph;
    const double step = 0.01;
    for (int64_t i = 0; i < w.numel(); ++i) {
      const auto at = [&](double by) {
        Tensor moved = w.clone();
        moved.view({-1})[i] += by;
        return loss(moved).item<double>();
      };
      const double slope = (at(step) - at(-step)) / (2 * step);
      EXPECT_NEAR(gradient[i].item<double>(), slope, 5e-3 * (1 + std::fabs(slope)))
          << scale << " " << i;
    }
  }
}

// The factor begins as one number, so all weights of a layer move together a little.
TEST(Cni, CovarianceAtTheStartIsThatOfTheAuthorsCode) {
  CniLayer cni(ParamMap{});
  Noise data = noise_of(1, 7), noise = noise_of(1);
  const Tensor w = 0.1 * data.shared_normal({2, 1, 2, 2});
  const int64_t draws = 60'000;
  std::vector<Tensor> all;
  for (int64_t i = 0; i < draws; ++i) all.push_back(cni.draw(w, noise).flatten());
  const Tensor m = torch::stack(all).to(torch::kDouble);
  const Tensor covariance = m.t().mm(m) / double(draws);
  const double shared = 5 * 0.01 * 0.01, variance = 0.0625 * w.std().item<double>() + shared;
  const Tensor diagonal = covariance.diag();
  // Relative error of a variance: sqrt(2 / draws), 0.6 %.
  EXPECT_LT((diagonal / variance - 1).abs().max().item<double>(), 0.03);
  const Tensor mixed = (covariance.sum() - diagonal.sum()) / 56;
  EXPECT_NEAR(mixed.item<double>(), shared, 0.1 * shared);
}

// Of n passes, through what follows the noise: draws that repeat or hang together would not
// average out.
TEST(Rse, TheMeanAnswerVariesByOneOverTheNumberOfPasses) {
  const auto plugin = defense("rse");
  const int64_t rows = 4000;
  const Noise noise = noise_of(rows);
  Noise data = noise_of(1, 3);
  const Tensor a = data.normal({2, 3, 3}).expand({rows, 2, 3, 3});
  const Layer layer = activations({2, 3, 3}, {2, 3, 3});
  const auto variance = [&](int64_t passes) {
    Tensor sum = torch::zeros({rows});
    for (int64_t draw = 0; draw < passes; ++draw) {
      Noise own = noise.at(0, draw);
      sum += (4 * perturbs(plugin).input(layer, a, own)).tanh().flatten(1).sum(1);
    }
    return (sum / double(passes)).var().item<double>();
  };
  const double one = variance(1);
  EXPECT_GT(one, 0.01);
  // Relative error of a ratio of two variances: sqrt(4 / rows), 3 %.
  for (const int64_t passes : {4, 16})
    EXPECT_NEAR(one / variance(passes), double(passes), 0.12 * double(passes));
}

}  // namespace
}  // namespace gauntlet
