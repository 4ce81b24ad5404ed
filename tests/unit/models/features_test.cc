// Values inside a network that others ask for by name, and what stands in for its activations.
#include <algorithm>

#include "base/bad_input.h"
#include "models/architectures/architectures.h"
#include "models/architectures/build_network.h"
#include "networks.h"

namespace gauntlet::testing {
namespace {
using Names = std::vector<std::string>;
constexpr models::Mode kModes[] = {models::Mode::kTrain, models::Mode::kEvaluate,
                                   models::Mode::kFolded, models::Mode::kFoldedHalf};

TEST(Features, AreStagesAndWhatTheClassifierReads) {
  const auto network = build_network(resnet_spec("A"), 3);
  EXPECT_EQ(network->features(), (Names{"stage1", "stage2", "stage3", "penultimate"}));
  make_uneven(*network);
  const Tensor x = images(network->spec(), 3);
  std::map<std::string, Tensor> state = state_of(*network);
  for (const models::Mode mode : kModes) {
    if (trains(mode)) continue;  // would change the statistics
    const Outputs out = network->forward(x, noise_for(3), {}, mode, {"penultimate", "stage2"});
    ASSERT_EQ(out.heads.size(), 2u);
    EXPECT_EQ(out.heads.at("stage2").sizes(), at::IntArrayRef({3, 32, 8, 8}));
    EXPECT_EQ(out.heads.at("stage2").scalar_type(), torch::kFloat);
    const Tensor logits = torch::linear(out.heads.at("penultimate"), state.at("linear.weight"),
                                        state.at("linear.bias"));
    EXPECT_LT(relative_error(logits, out.logits), halves(mode) ? 0.02 : 1e-5);
  }
}

// Other architectures: a plugin can count on what the classifier reads.
TEST(Features, OfEveryArchitectureHoldThePenultimate) {
  for (const models::Architecture& architecture : models::architectures()) {
    if (architecture.name == "sequential") continue;
    models::NetworkSpec spec;
    spec.architecture = architecture.name, spec.input = {3, 32, 32}, spec.classes = 10;
    const Names names = build_network(spec)->features();
    EXPECT_EQ(std::count(names.begin(), names.end(), "penultimate"), 1) << architecture.name;
    EXPECT_EQ(std::count(names.begin(), names.end(), "stage1"), 1) << architecture.name;
  }
}

TEST(Features, ChangeNoBitOfTheLogits) {
  for (const models::NetworkSpec& spec : {resnet_spec("B"), mixed_spec()}) {
    const auto network = build_network(spec, 3);
    make_uneven(*network);
    const Tensor x = images(spec, 3);
    WeightNoise noise;
    for (const models::Mode mode : kModes)
      for (const std::vector<PerturbsLayers*>& plugins :
           {std::vector<PerturbsLayers*>{}, {&noise}}) {
        const Outputs without = network->forward(x, noise_for(3), plugins, mode),
                      with = network->forward(x, noise_for(3), plugins, mode, network->features());
        EXPECT_TRUE(without.heads.empty());
        EXPECT_EQ(with.heads.size(), network->features().size());
        EXPECT_TRUE(with.logits.equal(without.logits));
      }
  }
}

// The next operation computes in place where nobody looks.
TEST(Features, AreNotOverwritten) {
  models::NetworkSpec spec;
  spec.architecture = "sequential", spec.input = {1, 2, 2}, spec.classes = 4;
  spec.options["layers"] =
      ParamList{layer("flatten"), layer("linear", {{"out", 4}, {"feature", "before"}}),
                layer("relu"), layer("linear", {{"out", 4}})};
  const auto network = build_network(spec, 5);
  EXPECT_EQ(network->features(), (Names{"before", "penultimate"}));
  const Tensor x = images(spec, 6);
  const Outputs out =
      network->forward(x, noise_for(6), {}, models::Mode::kEvaluate, {"before", "penultimate"});
  EXPECT_LT(out.heads.at("before").min().item<float>(), 0);
  EXPECT_TRUE(out.heads.at("before").relu().equal(out.heads.at("penultimate")));
}

TEST(Features, CarryGradients) {
  const auto network = build_network(resnet_spec("A"), 3);
  const Tensor x = images(network->spec(), 2).requires_grad_(true);
  const Outputs out = network->forward(x, noise_for(2), {}, models::Mode::kFolded, {"penultimate"});
  const Tensor slope = torch::autograd::grad({out.heads.at("penultimate").sum()}, {x})[0];
  EXPECT_GT(slope.abs().max().item<float>(), 0);
}

TEST(Features, ThatAreNotThereAreNamed) {
  const auto network = build_network(resnet_spec("A"));
  try {
    network->forward(images(network->spec(), 2), noise_for(2), {}, models::Mode::kEvaluate,
                     {"stage9"});
    ADD_FAILURE() << "nothing was thrown";
  } catch (const BadInput& error) {
    EXPECT_NE(
        std::string(error.what()).find("the network has no feature 'stage9', did you mean 'stage"),
        std::string::npos)
        << error.what();
  }
}

TEST(Features, NeedAValueAndANameOfTheirOwn) {
  const auto problem = [](const std::function<void(NetworkBuilder&)>& builds) {
    models::NetworkSpec spec;
    spec.architecture = "built", spec.input = {1, 4, 4}, spec.classes = 2;
    spec.builds = builds;
    try {
      build_network(spec);
    } catch (const BadInput& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_NE(problem([](NetworkBuilder& b) {
              const int conv = b.conv(b.input(), "conv", {.out = 2});
              b.feature(conv, "folded");
              b.linear(b.flatten(b.batch_norm(conv, "bn")), "fc", 2);
            }).find("'folded' is what batch norm reads"),
            std::string::npos);
  EXPECT_NE(problem([](NetworkBuilder& b) {
              b.feature(b.input(), "a");
              b.feature(b.relu(b.input()), "a");
            }).find("'a' is there twice"),
            std::string::npos);
  EXPECT_NE(problem([](NetworkBuilder& b) {
              b.feature(b.input(), "a");
              b.feature(b.input(), "b");
            }).find("'b' is called 'a' already"),
            std::string::npos);
}

// k winners of each row take all: what is not among the largest is 0.
struct Winners final : PerturbsLayers {
  int64_t k = 5;
  std::vector<std::pair<int64_t, uint32_t>> seen;  // activation, noise
  Tensor activation(const Activation& place, const Tensor& a, Noise& noise) override {
    EXPECT_EQ(a.sizes().slice(1).vec(), place.shape);
    seen.emplace_back(place.index, noise.key.layer);
    if (place.index > 0) return a;
    const Tensor rows = a.flatten(1);
    const Tensor least = std::get<0>(rows.topk(k, 1)).select(1, k - 1).unsqueeze(1);
    return rows.masked_fill(rows < least, 0).view_as(a);
  }
};

TEST(Activations, MayBeReplacedByAPlugin) {
  models::NetworkSpec spec;
  spec.architecture = "sequential", spec.input = {1, 4, 4}, spec.classes = 3;
  spec.options["layers"] = ParamList{layer("flatten"),
                                     layer("linear", {{"out", 12}, {"feature", "before"}}),
                                     ParamMap{{"type", "silu"}, {"feature", "after"}},
                                     layer("linear", {{"out", 8}}),
                                     layer("relu"),
                                     layer("linear", {{"out", 3}})};
  const auto network = build_network(spec, 5);
  const Tensor x = images(spec, 6);
  for (const models::Mode mode : {models::Mode::kEvaluate, models::Mode::kFolded}) {
    Winners winners;
    const Outputs out = network->forward(x, noise_for(6), {&winners}, mode, {"before", "after"});
    const Tensor kept = out.heads.at("after");
    EXPECT_TRUE(kept.ne(0).sum(1).eq(5).all().item<bool>());
    EXPECT_TRUE(
        kept.masked_select(kept.ne(0)).equal(out.heads.at("before").masked_select(kept.ne(0))));
    ASSERT_EQ(winners.seen.size(), 2u);
    EXPECT_EQ(winners.seen[0].first, 0);
    EXPECT_EQ(winners.seen[1].first, 1);
    EXPECT_NE(winners.seen[0].second, winners.seen[1].second);
    for (const auto& [_, stream] : winners.seen)
      EXPECT_GE(stream, 16 + network->layers().size()) << "no layer draws the same";
  }
}

TEST(Activations, LeakyReluIsOneOfThem) {
  struct Halves final : PerturbsLayers {
    int64_t calls = 0;
    Tensor activation(const Activation& place, const Tensor& a, Noise&) override {
      EXPECT_EQ(place.count, 1);
      ++calls;
      return a * 0.5;
    }
  } halves;
  models::NetworkSpec spec;
  spec.architecture = "sequential", spec.input = {1, 4, 4}, spec.classes = 3;
  spec.options["layers"] =
      ParamList{layer("flatten"), layer("linear", {{"out", 12}, {"feature", "before"}}),
                layer("leakyrelu", {{"negative_slope", 0.2}, {"feature", "after"}}),
                layer("linear", {{"out", 3}})};
  const auto network = build_network(spec, 5);
  const Tensor x = images(spec, 6);
  const auto heads = [&](const std::vector<PerturbsLayers*>& plugins) {
    return network->forward(x, noise_for(6), plugins, models::Mode::kEvaluate, {"before", "after"})
        .heads;
  };
  const auto own = heads({}), replaced = heads({&halves});
  EXPECT_LT(own.at("before").min().item<float>(), 0);
  EXPECT_TRUE(own.at("after").equal(torch::leaky_relu(own.at("before"), 0.2)));
  EXPECT_EQ(halves.calls, 1);
  EXPECT_TRUE(replaced.at("after").equal(0.5 * own.at("before")));
}

TEST(Activations, AreTheNetworksOwnWhereNothingStandsIn) {
  const auto network = build_network(resnet_spec("A"), 4);
  make_uneven(*network);
  const Tensor x = images(network->spec(), 3);
  struct Silent final : PerturbsLayers {
    int64_t calls = 0;
    Tensor activation(const Activation& place, const Tensor& a, Noise&) override {
      EXPECT_EQ(place.index, calls % place.count);
      ++calls;
      return a;
    }
  } silent;
  for (const models::Mode mode : {models::Mode::kEvaluate, models::Mode::kFolded}) {
    (void)ask(*network, x, {&silent}, mode);  // folded: finds out that output() does nothing
    const Answer with = ask(*network, x, {&silent}, mode), without = ask(*network, x, {}, mode);
    EXPECT_TRUE(with.logits.equal(without.logits));
    EXPECT_TRUE(with.gradient.equal(without.gradient));
  }
  EXPECT_EQ(silent.calls, 4 * 19);
}

TEST(Activations, OfTheFirstPluginThatStandsInCount) {
  struct Times final : PerturbsLayers {
    explicit Times(double by) : by(by) {}
    double by;
    Tensor activation(const Activation&, const Tensor& a, Noise&) override {
      return by == 1 ? a : a * by;
    }
  } none(1), twice(2), thrice(3);
  models::NetworkSpec spec;
  spec.architecture = "sequential", spec.input = {1, 2, 2}, spec.classes = 2;
  spec.options["layers"] =
      ParamList{layer("flatten"), layer("relu"), layer("linear", {{"out", 2}, {"bias", false}})};
  const auto network = build_network(spec, 2);
  const Tensor x = images(spec, 3);
  const auto logits = [&](const std::vector<PerturbsLayers*>& plugins) {
    return network->forward(x, noise_for(3), plugins, models::Mode::kEvaluate).logits;
  };
  EXPECT_TRUE(logits({&none, &twice, &thrice}).allclose(2 * logits({})));
}

}  // namespace
}  // namespace gauntlet::testing
