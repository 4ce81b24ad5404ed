// Noise in layers: PNI, CNI, RSE.
#include "plugins/defenses/noise/layer_noise.h"

namespace gauntlet {
namespace {
using namespace toys;

TEST(Pni, StrengthIsSharedAsAsked) {
  const std::vector<std::pair<const char*, std::vector<int64_t>>> cases = {
      {"layer", {1, 1, 1, 1}}, {"channel", {8, 1, 1, 1}}, {"element", {8, 3, 5, 5}}};
  for (const auto& [alpha, shape] : cases) {
    const auto pni = defense("pni", {{"alpha", alpha}, {"initial", 0.5}});
    Declared declared;
    perturbs(pni).declare(layer_of({8, 3, 5, 5}), declared);
    ASSERT_EQ(declared.tensors.size(), 1u);
    EXPECT_TRUE(torch::equal(declared.tensors.at("alpha"), torch::full(shape, 0.5)));
    EXPECT_FALSE(declared.decays);
  }
}

TEST(Pni, WithStrengthZeroOrNoiseOffItIsThePlainLayer) {
  const auto pni = defense("pni");
  Noise noise = noise_of(1);
  const Tensor w = noise.shared_normal({8, 3, 5, 5});
  Layer layer = layer_of({8, 3, 5, 5});
  layer.learned["alpha"] = torch::zeros({1, 1, 1, 1});
  EXPECT_TRUE(torch::equal(perturbs(pni).weight(layer, w, noise), w));
  layer.learned["alpha"] = torch::full({1, 1, 1, 1}, 0.25);
  noise.key.off = true;
  EXPECT_TRUE(torch::equal(perturbs(pni).weight(layer, w, noise), w));
}

TEST(Pni, NoiseHasTheSpreadOfTheWeightsTimesTheStrength) {
  const auto pni = defense("pni");
  Noise noise = noise_of(1);
  const Tensor w = 3 + 0.02 * noise.shared_normal({400, 250});  // 100,000 draws
  Layer layer = layer_of({400, 250});
  layer.learned["alpha"] = torch::full({1, 1}, 0.25);
  const Tensor eta = perturbs(pni).weight(layer, w, noise) - w;
  const double expected = 0.25 * w.std().item<double>();
  EXPECT_NEAR(eta.std().item<double>(), expected, 0.01 * expected);
  EXPECT_NEAR(eta.mean().item<double>(), 0, 4 * expected / std::sqrt(1e5));
}

TEST(Pni, StrengthsGradientIsThatOfTheLossTimesTheDraw) {
  Noise data = noise_of(1, 2);
  const Tensor w = data.shared_normal({6, 4}), x = data.shared_normal({4});
  for (const char* alpha : {"layer", "channel", "element"}) {
    const auto pni = defense("pni", {{"alpha", alpha}});
    expect_gradient(
        pni, layer_of({6, 4}), "alpha",
        [&](const Layer& layer, Noise noise) {
          return perturbs(pni).weight(layer, w, noise).mv(x).square().sum();
        },
        0.125, 1e-4);  // the loss is quadratic: no error but rounding
  }
}

TEST(Pni, WeightsSpreadCarriesNoGradient) {
  const auto pni = defense("pni");
  Noise noise = noise_of(1);
  const Tensor w = noise.shared_normal({6, 4}).requires_grad_(true);
  Layer layer = layer_of({6, 4});
  layer.learned["alpha"] = torch::full({1, 1}, 0.25);
  const Tensor sum = perturbs(pni).weight(layer, w, noise).sum();
  EXPECT_TRUE(torch::equal(torch::autograd::grad({sum}, {w})[0], torch::ones({6, 4})));
}

TEST(Pni, HostFindsSharedNoiseThatCouplesNoRows) {
  const Toy t = toy(linear({1, 4, 4}, 3), {defense("pni")});
  EXPECT_TRUE(t.model->stochastic());
  EXPECT_TRUE(t.model->shared_noise());
  EXPECT_FALSE(t.model->couples_rows());
}

TEST(Pni, ActivationNoiseHasTheSpreadOfTheBatchTimesTheStrength) {
  Noise noise = noise_of(64);
  const Tensor a = 2 + 3 * noise.normal({4, 10, 10});
  for (const char* where : {"input", "output"}) {
    const auto pni = defense("pni", {{"where", ParamList{where}}, {"initial", 0.5}});
    Layer layer = activations({4, 10, 10}, {4, 10, 10}, 3);
    Declared declared;
    perturbs(pni).declare(layer, declared);
    layer.learned = declared.tensors;
    const bool input = std::string(where) == "input";
    const Tensor noisy =
        input ? perturbs(pni).input(layer, a, noise) : perturbs(pni).output(layer, a, noise);
    const Tensor eta = noisy - a;
    EXPECT_NEAR(eta.std().item<double>(), 0.5 * a.std().item<double>(), 0.03);
    EXPECT_FALSE(torch::equal(eta[0], eta[1]));  // each image has noise of its own
    // The other places are left alone: their hooks are taken out.
    const Tensor w = torch::ones({4, 4, 3, 3});
    EXPECT_TRUE(perturbs(pni).weight(layer, w, noise).is_same(w));
    EXPECT_TRUE(
        (input ? perturbs(pni).output(layer, a, noise) : perturbs(pni).input(layer, a, noise))
            .is_same(a));
  }
}

TEST(Pni, NoiseOfTheNetworksInputIsInTheFirstLayerOnly) {
  const auto pni = defense("pni", {{"where", ParamList{"network_input"}}, {"alpha", "channel"}});
  Declared first, second;
  perturbs(pni).declare(activations({3, 8, 8}, {4, 8, 8}, 0), first);
  perturbs(pni).declare(activations({4, 8, 8}, {4, 8, 8}, 1), second);
  ASSERT_EQ(first.tensors.size(), 1u);
  EXPECT_EQ(first.tensors.at("alpha_network").sizes(), at::IntArrayRef({3, 1, 1}));
  EXPECT_TRUE(second.tensors.empty());
}

TEST(Pni, ActivationStrengthsLearn) {
  Noise data = noise_of(5, 3);
  const Tensor a = data.normal({2, 2, 2});
  for (const char* alpha : {"layer", "channel", "element"}) {
    const auto pni = defense("pni", {{"where", ParamList{"input"}}, {"alpha", alpha}});
    expect_gradient(
        pni, activations({2, 2, 2}, {2, 2, 2}), "alpha_input",
        [&](const Layer& layer, const Noise& noise) {
          Noise five = noise_of(5);
          five.key.seed = noise.key.seed;
          return perturbs(pni).input(layer, a, five).square().sum();
        },
        0.125, 1e-4);
  }
}

TEST(Pni, HostFindsThatActivationNoiseCouplesRows) {
  EXPECT_TRUE(toy(linear({1, 4, 4}, 3), {defense("pni", {{"where", ParamList{"input"}}})})
                  .model->couples_rows());
}

TEST(Pni, PlacesOutsideTheListAreRefused) {
  EXPECT_THROW(defense("pni", {{"where", ParamList{"wieght"}}}), ParamError);
}

// var = |spread * d| (or spread^2 * |d|) plus the factor times its transpose.
TEST(Cni, CovarianceIsTheDiagonalPlusTheFactorsSquare) {
  Noise data = noise_of(1, 7);
  const Tensor w = 0.1 * data.shared_normal({2, 1, 2, 2});
  for (const char* scale : {"variance", "sd"}) {
    CniLayer cni({{"rank", 2}, {"scale", scale}});
    const Tensor d = data.shared_normal({2, 1, 2, 2}), f = 0.3 * data.shared_normal({8, 2});
    cni.layer.learned = {{"diagonal", d}, {"factor", f}};
    const Tensor spread = w.std();
    const Tensor white = std::string(scale) == "sd" ? spread.square() * d.abs() : spread * d.abs();
    const Tensor expected = white.flatten().diag() + f.mm(f.t());
    const int64_t draws = 200'000;
    Tensor sum = torch::zeros({8, 8}, torch::kDouble);
    Noise noise = noise_of(1);
    for (int64_t i = 0; i < draws; i += 1000) {
      std::vector<Tensor> some;
      for (int64_t j = 0; j < 1000; ++j) some.push_back(cni.draw(w, noise).flatten());
      const Tensor m = torch::stack(some).to(torch::kDouble);
      sum += m.t().mm(m);
    }
    const double largest = expected.abs().max().item<double>();
    EXPECT_LT((sum / double(draws) - expected).abs().max().item<double>(), 0.03 * largest) << scale;
  }
}

TEST(Cni, BeginsAsTheAuthorsCodeDoes) {
  CniLayer cni(ParamMap{}, {4, 2, 3, 3});
  EXPECT_TRUE(torch::equal(cni.layer.learned.at("diagonal"), torch::full({4, 2, 3, 3}, 0.0625)));
  EXPECT_TRUE(torch::equal(cni.layer.learned.at("factor"), torch::full({72, 5}, 0.01)));
}

TEST(Cni, WithoutDiagonalAndFactorItIsThePlainLayer) {
  Noise noise = noise_of(1);
  const Tensor w = noise.shared_normal({2, 1, 2, 2});
  for (const char* scale : {"variance", "sd"}) {
    CniLayer cni({{"scale", scale}, {"diagonal", 0.0}, {"factor", 0.0}});
    EXPECT_TRUE(torch::equal(cni.draw(w, noise), torch::zeros_like(w))) << scale;
    CniLayer live(ParamMap{{"scale", scale}});
    Noise off = noise;
    off.key.off = true;
    EXPECT_TRUE(torch::equal(live.draw(w, off), torch::zeros_like(w))) << scale;
  }
}

TEST(Cni, RankZeroIsWhiteNoise) {
  CniLayer cni({{"rank", 0}, {"scale", "sd"}}, {40, 10, 5, 5});
  EXPECT_EQ(cni.layer.learned.count("factor"), 0u);
  Noise noise = noise_of(1);
  const Tensor w = 0.05 * noise.shared_normal({40, 10, 5, 5});
  const double expected = 0.25 * w.std().item<double>();
  EXPECT_NEAR(cni.draw(w, noise).std().item<double>(), expected, 0.03 * expected);
}

TEST(Cni, LinearLayersHaveWhiteNoiseWithAStrengthForEachWeight) {
  const auto plugin = defense("cni");
  Layer layer = layer_of({100, 200});
  layer.kind = Layer::Kind::kLinear;
  Declared declared;
  perturbs(plugin).declare(layer, declared);
  ASSERT_EQ(declared.tensors.size(), 1u);
  layer.learned = declared.tensors;
  EXPECT_EQ(layer.learned.at("alpha").sizes(), at::IntArrayRef({100, 200}));
  Noise noise = noise_of(1);
  const Tensor w = noise.shared_normal({100, 200});
  const double expected = 0.25 * w.std().item<double>();
  EXPECT_NEAR((perturbs(plugin).weight(layer, w, noise) - w).std().item<double>(), expected,
              0.03 * expected);
}

TEST(Cni, LearnedNoiseHasTheGradientOfTheLoss) {
  Noise data = noise_of(1, 4);
  const Tensor w = data.shared_normal({2, 1, 2, 2}), x = data.shared_normal({8});
  for (const char* scale : {"variance", "sd"}) {
    const auto plugin = defense("cni", {{"rank", 2}, {"scale", scale}});
    const auto loss = [&](const Layer& layer, Noise noise) {
      return perturbs(plugin).weight(layer, w, noise).flatten().dot(x).square();
    };
    expect_gradient(plugin, layer_of({2, 1, 2, 2}), "factor", loss, 0.125, 1e-3);
    // The root bends: the error of the difference is of the order of (step / diagonal)^2.
    expect_gradient(plugin, layer_of({2, 1, 2, 2}), "diagonal", loss, 0.005, 1e-2);
  }
}

TEST(Cni, SpreadOfAConvolutionCarriesAGradient) {
  CniLayer cni(ParamMap{});
  Noise noise = noise_of(1);
  const Tensor w = noise.shared_normal({2, 1, 2, 2}).requires_grad_(true);
  const Tensor sum = perturbs(cni.plugin).weight(cni.layer, w, noise).sum();
  EXPECT_FALSE(torch::equal(torch::autograd::grad({sum}, {w})[0], torch::ones({2, 1, 2, 2})));
}

TEST(Rse, NoiseIsInFrontOfConvolutionsOnly) {
  const auto rse = defense("rse");
  Noise noise = noise_of(50);
  const Tensor a = torch::zeros({50, 3, 16, 16});
  const auto spread = [&](Layer layer) {
    return perturbs(rse).input(layer, a, noise).std().item<double>();
  };
  EXPECT_NEAR(spread(activations({3, 16, 16}, {8, 16, 16}, 0)), 0.2, 0.004);
  EXPECT_NEAR(spread(activations({3, 16, 16}, {8, 16, 16}, 1)), 0.1, 0.002);
  Layer linear_layer = activations({3, 16, 16}, {8, 16, 16}, 2);
  linear_layer.kind = Layer::Kind::kLinear;
  EXPECT_TRUE(perturbs(rse).input(linear_layer, a, noise).is_same(a));
}

TEST(Rse, TheFirstNoiseIsInPixelsWhereverTheNetworkNormalises) {
  const Tensor std = torch::tensor({0.25f, 0.5f, 0.2f}).view({1, 3, 1, 1});
  const Tensor a = torch::zeros({200, 3, 16, 16});
  const auto in_pixels = [&](const ParamMap& params, int64_t index) {
    const auto rse = defense("rse", params);
    dynamic_cast<KnowsNormalisation&>(*rse).normalisation(torch::zeros_like(std), std);
    Noise noise = noise_of(200);
    const Tensor out = perturbs(rse).input(activations({3, 16, 16}, {8, 16, 16}, index), a, noise);
    return (out * std).transpose(0, 1).flatten(1).std(1) / 0.2;
  };
  const Tensor ones = torch::ones({3});
  EXPECT_TRUE(torch::allclose(in_pixels({}, 0), ones, 0, 0.02));
  EXPECT_TRUE(torch::allclose(in_pixels({{"space", "normalised"}}, 0), std.flatten(), 0, 0.02));
  EXPECT_TRUE(torch::allclose(in_pixels({}, 1), 0.5 * std.flatten(), 0, 0.02));  // no image's
}

TEST(Rse, WithoutNoiseItIsThePlainNetwork) {
  const auto rse = defense("rse", {{"first", 0.0}, {"inner", 0.0}});
  Noise noise = noise_of(2);
  const Tensor a = noise.normal({3, 4, 4});
  EXPECT_TRUE(perturbs(rse).input(activations({3, 4, 4}, {3, 4, 4}), a, noise).is_same(a));
}

}  // namespace
}  // namespace gauntlet
