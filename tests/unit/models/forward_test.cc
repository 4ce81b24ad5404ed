#include "models/architectures/build_network.h"
#include "networks.h"

namespace gauntlet::testing {
namespace {
// Folding changes the order of roundings along at most 20 layers: float32 keeps 24 bits. Where a
// rounding carries a relu over its kink the gradient jumps, so gradients are compared in float64,
// which keeps 53, and in float32 only as a whole.
constexpr double kFloat = 1e-5, kDouble = 1e-10, kFloatGradient = 0.1;

struct Case {
  const char* name;
  models::NetworkSpec spec;
};
class Folding : public ::testing::TestWithParam<Case> {
 protected:
  Folding() : network(build_network(GetParam().spec, 3)), x(images(GetParam().spec, 6)) {
    make_uneven(*network);
  }
  void expect_equal(const std::vector<PerturbsLayers*>& plugins, uint64_t seed = 1) {
    expect_within(plugins, x, kFloat, kFloatGradient, seed);
    make_double(*network);
    expect_within(plugins, x.to(torch::kDouble), kDouble, kDouble, seed);
  }
  void expect_within(const std::vector<PerturbsLayers*>& plugins, const Tensor& input,
                     double logits, double gradient, uint64_t seed) {
    const Answer plain = ask(*network, input, plugins, models::Mode::kEvaluate, seed);
    for (int repeat = 0; repeat < 2;
         ++repeat) {  // first unfolded, then with what was learned of it
      const Answer folded = ask(*network, input, plugins, models::Mode::kFolded, seed);
      EXPECT_LT(relative_error(folded.logits, plain.logits), logits);
      EXPECT_LT(relative_error(folded.gradient, plain.gradient), gradient);
    }
  }
  std::unique_ptr<models::Network> network;
  Tensor x;
  WeightNoise weight_noise;
  InputNoise input_noise;
  OutputNoise output_noise;
};
INSTANTIATE_TEST_SUITE_P(Networks, Folding,
                         ::testing::Values(Case{"Mixed", mixed_spec()}, Case{"A", resnet_spec("A")},
                                           Case{"B", resnet_spec("B")}),
                         [](const auto& info) { return info.param.name; });

TEST_P(Folding, ChangesNeitherLogitsNorGradient) { expect_equal({}); }
TEST_P(Folding, HoldsUnderWeightNoise) { expect_equal({&weight_noise}); }
TEST_P(Folding, HoldsUnderInputNoise) { expect_equal({&input_noise}); }
TEST_P(Folding, IsLeftOutUnderOutputNoise) { expect_equal({&output_noise}); }
TEST_P(Folding, HoldsUnderAllOfThem) { expect_equal({&input_noise, &weight_noise, &output_noise}); }

TEST_P(Folding, NoticesChangedWeights) {
  (void)ask(*network, x, {}, models::Mode::kFolded);
  for (const models::NamedTensor& t : network->tensors()) t.tensor.mul_(0.9);
  expect_equal({});
}

// bfloat16 keeps 8 bits: errors of some percent after 20 layers, of the gradient as a whole more.
TEST_P(Folding, InHalfPrecisionIsNearAndLeavesTheFullOneAsItWas) {
  for (const std::vector<PerturbsLayers*>& plugins :
       {std::vector<PerturbsLayers*>{}, {&weight_noise}, {&input_noise, &output_noise}}) {
    (void)ask(*network, x, plugins, models::Mode::kFolded);  // learns which layers fold
    const Answer full = ask(*network, x, plugins, models::Mode::kFolded),
                 half = ask(*network, x, plugins, models::Mode::kFoldedHalf);
    EXPECT_EQ(half.logits.scalar_type(), torch::kFloat);
    EXPECT_FALSE(half.logits.equal(full.logits));
    EXPECT_LT(relative_error(half.logits, full.logits), 0.1);
    EXPECT_LT(relative_error(half.gradient, full.gradient), 0.5);
    EXPECT_TRUE(ask(*network, x, plugins, models::Mode::kFolded).logits.equal(full.logits));
  }
}

TEST_P(Folding, TrainingInHalfPrecisionIsNear) {
  network->set_trainable(true);
  const auto gradient = [&](models::Mode mode) {
    std::vector<Tensor> trained;
    for (const models::NamedTensor& named : network->tensors())
      if (named.trained) trained.push_back(named.tensor);
    const Tensor logits = network->forward(x, noise_for(6), {&weight_noise}, mode).logits;
    EXPECT_EQ(logits.scalar_type(), torch::kFloat);
    std::vector<Tensor> flat;
    for (const Tensor& t : torch::autograd::grad({logits.square().mean()}, trained)) {
      EXPECT_EQ(t.scalar_type(), torch::kFloat);
      flat.push_back(t.flatten());
    }
    return torch::cat(flat);
  };
  const Tensor full = gradient(models::Mode::kTrain), half = gradient(models::Mode::kTrainHalf);
  EXPECT_FALSE(half.equal(full));
  EXPECT_LT(relative_error(half, full), 0.5);
  EXPECT_GT(torch::cosine_similarity(half, full, 0).item<double>(), 0.9);
}

TEST_P(Folding, GivesNoGradientToParameters) {
  network->set_trainable(true);
  const Tensor logits =
      network->forward(x, noise_for(6), {&weight_noise}, models::Mode::kFolded).logits;
  EXPECT_FALSE(logits.requires_grad());
}

// An output() that acts on some calls only.
struct Moody final : PerturbsLayers {
  Tensor output(const Layer& layer, const Tensor& a, Noise& noise) override {
    if (layer.index != 0) return a;
    // Decided by the noise, so that every way of running the layer sees the same decision.
    const bool acts = noise.shared_normal({1}).item<float>() > 0;
    return acts ? a + noise.normal(a.sizes().slice(1)) : a;
  }
};

TEST_P(Folding, RecoversWhereAnOutputHookActsOnSomeDrawsOnly) {
  Moody moody;
  make_double(*network);
  for (uint64_t seed = 0; seed < 8; ++seed)
    expect_within({&moody}, x.to(torch::kDouble), kDouble, kDouble, seed);
}

TEST(Forward, RefusesInputsOfAnotherShape) {
  const auto network = build_network(resnet_spec("A"));
  EXPECT_THROW(
      network->forward(torch::zeros({2, 3, 32, 32}), noise_for(2), {}, models::Mode::kEvaluate),
      std::invalid_argument);
}

TEST(Forward, LeavesItsInputAlone) {
  models::NetworkSpec spec;
  spec.architecture = "sequential", spec.input = {2, 4, 4}, spec.classes = 3;
  spec.options["layers"] =
      ParamList{layer("relu"), layer("flatten"), layer("relu"), layer("linear", {{"out", 3}})};
  const auto network = build_network(spec);
  const Tensor x = images(spec, 4) - 0.5, before = x.clone();
  for (const models::Mode mode :
       {models::Mode::kTrain, models::Mode::kEvaluate, models::Mode::kFolded})
    (void)network->forward(x, noise_for(4), {}, mode);
  EXPECT_TRUE(x.equal(before));
}

// The unfolded path, written with LibTorch's own functions.
TEST(Forward, EqualsTheSameOperationsWrittenByHand) {
  models::NetworkSpec spec;
  spec.architecture = "sequential", spec.input = {1, 8, 8}, spec.classes = 4;
  spec.mean = {0.3}, spec.std = {0.5};
  spec.options["layers"] = ParamList{layer("conv", {{"out", 6}, {"kernel", 3}, {"padding", 1}}),
                                     layer("batchnorm"),
                                     layer("relu"),
                                     layer("globalavgpool"),
                                     layer("flatten"),
                                     layer("linear", {{"out", 4}})};
  const auto network = build_network(spec, 2);
  make_uneven(*network);
  std::map<std::string, Tensor> t;
  for (const models::NamedTensor& named : network->tensors()) t[named.name] = named.tensor;
  const Tensor x = images(spec, 5);
  for (const bool train : {false, true}) {
    Tensor mean = t["1.running_mean"].clone(), variance = t["1.running_var"].clone();
    Tensor a = torch::conv2d((x - 0.3) / 0.5, t["0.weight"], t["0.bias"], 1, 1);
    a = torch::batch_norm(a, t["1.weight"], t["1.bias"], mean, variance, train, 0.1, 1e-5, false);
    a = torch::linear(a.relu().mean({2, 3}), t["5.weight"], t["5.bias"]);
    const Tensor logits =
        network
            ->forward(x, noise_for(5), {}, train ? models::Mode::kTrain : models::Mode::kEvaluate)
            .logits;
    EXPECT_TRUE(logits.allclose(a, 1e-6, 1e-6)) << train;
    EXPECT_TRUE(t["1.running_mean"].equal(mean)) << train;
    EXPECT_TRUE(t["1.running_var"].equal(variance)) << train;
  }
}

TEST(Forward, TrainsEveryTrainedTensor) {
  const auto network = build_network(mixed_spec());
  network->set_trainable(true);
  const Tensor x = images(mixed_spec(), 8);
  network->forward(x, noise_for(8), {}, models::Mode::kTrain).logits.square().sum().backward();
  for (const models::NamedTensor& t : network->tensors()) {
    EXPECT_EQ(t.tensor.requires_grad(), t.trained) << t.name;
    EXPECT_EQ(t.tensor.grad().defined(), t.trained) << t.name;
  }
}

}  // namespace
}  // namespace gauntlet::testing
