#include "base/bad_input.h"
#include "models/architectures/build_network.h"
#include "networks.h"
#include "tests/support/message_of.h"

namespace gauntlet::testing {
namespace {
TEST(State, RoundTripGivesTheSameNetwork) {
  const auto one = build_network(resnet_spec("B"), 1), other = build_network(resnet_spec("B"), 2);
  make_uneven(*one);
  const Tensor x = images(one->spec(), 3);
  (void)ask(*other, x, {}, models::Mode::kFolded);  // so that folded copies must be made anew
  load_state(*other, state_of(*one), "a file");
  for (const models::Mode mode : {models::Mode::kEvaluate, models::Mode::kFolded})
    EXPECT_TRUE(ask(*one, x, {}, mode).logits.equal(ask(*other, x, {}, mode).logits));
}

TEST(State, HasTheNamesOfPyTorch) {
  const auto a = build_network(resnet_spec("A"));
  models::NetworkSpec spec = resnet_spec("B");
  spec.options["classifier"] = "fc";
  const auto b = build_network(spec);
  const auto in_a = state_of(*a), in_b = state_of(*b);
  // Counts of the published files: 269,722 and 272,474 parameters.
  const auto parameters = [](const models::Network& network) {
    int64_t count = 0;
    for (const models::NamedTensor& t : network.tensors())
      count += t.trained ? t.tensor.numel() : 0;
    return count;
  };
  EXPECT_EQ(parameters(*a), 269722);
  EXPECT_EQ(parameters(*b), 272474);
  for (const char* name : {"conv1.weight", "bn1.running_mean", "layer1.0.conv1.weight",
                           "layer3.2.bn2.bias", "linear.weight"})
    EXPECT_TRUE(in_a.count(name)) << name;
  for (const char* name : {"layer2.0.downsample.0.weight", "layer2.0.downsample.1.running_var",
                           "layer3.0.downsample.1.weight", "fc.bias"})
    EXPECT_TRUE(in_b.count(name)) << name;
  EXPECT_FALSE(in_b.count("layer1.0.downsample.0.weight"));
  EXPECT_FALSE(in_a.count("conv1.bias"));
}

TEST(State, ListsEveryProblemAtOnce) {
  const auto network = build_network(resnet_spec("A"));
  auto state = state_of(*network);
  const auto before = state;
  state.erase("conv1.weight");
  state["linear.weigth"] = torch::zeros({10, 64});
  state["bn1.weight"] = torch::zeros({8});
  state["bn1.bias"] = torch::zeros({16}, torch::kLong);
  state["linear.bias"] = torch::full({10}, NAN);
  const std::string text = message_of([&] { load_state(*network, state, "weights.safetensors"); });
  for (const char* words :
       {"weights.safetensors", "missing: 'conv1.weight' [16, 3, 3, 3]",
        "not in the network: 'linear.weigth' [10, 64], did you mean 'linear.weight'?",
        "'bn1.weight' has [8] instead of [16]", "'bn1.bias' has not floating-point numbers",
        "'linear.bias' has values that are not finite"})
    EXPECT_NE(text.find(words), std::string::npos) << words << "\nnot in\n" << text;
  for (const models::NamedTensor& t : network->tensors())
    EXPECT_TRUE(t.tensor.equal(before.at(t.name))) << t.name << " was changed all the same";
}

TEST(State, IgnoresCountersAndWhatTheSpecSays) {
  models::NetworkSpec spec = resnet_spec("A");
  const auto strict = build_network(spec);
  auto state = state_of(*strict);
  state["bn1.num_batches_tracked"] = torch::tensor(7);
  load_state(*strict, state, "a file");
  state["layer1.0.deepz_lambda"] = torch::zeros({16, 32, 32});
  EXPECT_NE(message_of([&] { load_state(*strict, state, "a file"); }), "");
  spec.options["ignore"] = ParamList{"*.deepz_lambda"};
  load_state(*build_network(spec), state, "a file");
}

TEST(State, IgnoresWhatTradesNeverUses) {
  models::NetworkSpec spec;
  spec.architecture = "wrn-28-4", spec.input = {3, 8, 8}, spec.classes = 10;
  const auto network = build_network(spec);
  auto state = state_of(*network);
  state["sub_block1.layer.0.conv1.weight"] = torch::zeros({64, 16, 3, 3});
  load_state(*network, state, "a file");
  state["sub_block2.layer.0.conv1.weight"] = torch::zeros({64, 16, 3, 3});
  EXPECT_NE(message_of([&] { load_state(*network, state, "a file"); }), "");
}

TEST(State, IsRefusedWhereItWouldBeInfiniteOrHaveNoRoot) {
  const auto network = build_network(resnet_spec("A"));
  const auto refused = [&](const char* name, const Tensor& value, const std::string& words) {
    auto state = state_of(*network);
    state[name] = value;
    const std::string text = message_of([&] { load_state(*network, state, "a file"); });
    EXPECT_NE(text.find(words), std::string::npos) << text;
  };
  refused("linear.bias", torch::full({10}, 1e39, torch::kDouble), "values that are not finite");
  refused("bn1.running_var", torch::full({16}, -1e-3), "'bn1.running_var' has variances below 0");
}

TEST(State, ListsNoMoreProblemsThanOneReads) {
  const auto network = build_network(resnet_spec("A"));
  auto state = state_of(*network);
  for (int i = 0; i < 20'000; ++i) state["\x1b[31mextra" + std::to_string(i)] = torch::zeros({1});
  const std::string text = message_of([&] { load_state(*network, state, "a file"); });
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 31);
  EXPECT_NE(text.find("\n  … and 19970 more"), std::string::npos) << text;
  EXPECT_NE(text.find("'?[31mextra0' [1]"), std::string::npos) << text;
}

TEST(State, TakesOtherFloatingPointTypes) {
  const auto network = build_network(resnet_spec("A"));
  auto state = state_of(*network);
  const Tensor half = state.at("conv1.weight").to(torch::kHalf);
  state["conv1.weight"] = half;
  load_state(*network, state, "a file");
  EXPECT_TRUE(state_of(*network).at("conv1.weight").equal(half.to(torch::kFloat)));
}

TEST(Build, DependsOnTheSeedAndOnNothingElse) {
  const auto one = build_network(mixed_spec(), 11), same = build_network(mixed_spec(), 11),
             other = build_network(mixed_spec(), 12);
  const auto a = state_of(*one), b = state_of(*same), c = state_of(*other);
  for (const auto& [name, tensor] : a) EXPECT_TRUE(tensor.equal(b.at(name))) << name;
  EXPECT_FALSE(a.at("0.weight").equal(c.at("0.weight")));
}

TEST(Build, DrawsHeNormalConvolutions) {
  const auto state = state_of(*build_network(resnet_spec("A"), 3));
  const Tensor w = state.at("layer3.1.conv1.weight");  // 36,864 values, fan out 64 * 9
  const double expected = std::sqrt(2.0 / (64 * 9));
  EXPECT_NEAR(w.std().item<double>(), expected, 0.03 * expected);  // 8 standard errors
  EXPECT_NEAR(w.mean().item<double>(), 0, 0.05 * expected);        // 9 standard errors
  const Tensor linear = state.at("linear.weight");
  EXPECT_LE(linear.abs().max().item<double>(), 1.0 / 8);
  EXPECT_GT(linear.abs().max().item<double>(), 0.95 / 8);
}

TEST(Build, CountsMultiplyAdds) {
  models::NetworkSpec spec = resnet_spec("A");
  spec.input = {3, 32, 32};
  // conv1; 6 at 16 x 32 x 32; the two that halve; 5 each at 32 x 16 x 16 and 64 x 8 x 8; linear.
  EXPECT_EQ(multiply_adds(*build_network(spec)),
            442368 + 6 * 2359296 + 2 * 1179648 + 10 * 2359296 + 640);
}

TEST(Build, InfersShapes) {
  const auto network = build_network(mixed_spec());
  const auto& layers = network->layers();
  ASSERT_EQ(layers.size(), 5u);
  using Shape = std::vector<int64_t>;
  EXPECT_EQ(layers[0].output, (Shape{8, 16, 16}));
  EXPECT_EQ(layers[1].input, (Shape{8, 8, 8}));
  EXPECT_EQ(layers[1].output, (Shape{6, 3, 3}));
  EXPECT_EQ(layers[2].output, (Shape{12, 4, 4}));
  EXPECT_EQ(layers[3].input, (Shape{48}));
  EXPECT_EQ(layers[3].weight_shape, (Shape{10, 48}));
  for (size_t i = 0; i < layers.size(); ++i) {
    EXPECT_EQ(layers[i].index, int64_t(i));
    EXPECT_EQ(layers[i].count, 5);
  }
}

TEST(Build, EveryCifarResNetGivesLogits) {
  for (const std::string name : {"resnet20", "resnet32", "resnet44", "resnet56", "resnet110"}) {
    for (const char* shortcut : {"A", "B"}) {
      models::NetworkSpec spec = resnet_spec(shortcut);
      spec.architecture = name;
      spec.input = {1, 9, 9};  // odd: both shortcuts must round the same way
      spec.mean = spec.std = {0.5};
      const auto network = build_network(spec);
      EXPECT_EQ(network->forward(images(spec, 2), noise_for(2), {}, models::Mode::kEvaluate)
                    .logits.sizes(),
                (std::vector<int64_t>{2, 10}));
      const int64_t depth = std::stoll(name.substr(6));
      EXPECT_EQ(int64_t(network->layers().size()), depth + (*shortcut == 'B' ? 2 : 0)) << name;
    }
  }
}

TEST(Build, SaysWhatIsWrongWithASpec) {
  const auto says = [](const std::function<void(models::NetworkSpec&)>& spoil,
                       const std::string& words) {
    models::NetworkSpec spec = resnet_spec("A");
    spoil(spec);
    const std::string text = message_of([&] { build_network(spec); });
    EXPECT_NE(text.find(words), std::string::npos) << text << "\nlacks\n" << words;
  };
  says([](auto& s) { s.architecture = "resnet21"; }, "did you mean 'resnet20'?");
  says([](auto& s) { s.input = {3, 32}; }, "input: [3, 32] is not [channels, height, width]");
  says([](auto& s) { s.classes = 1; }, "classes: 1");
  says([](auto& s) { s.mean = {0.5}; }, "mean: 1 values for 3 channels");
  says([](auto& s) { s.std.clear(); }, "std: 0 values for 3 channels");
  says([](auto& s) { s.std[1] = 0; }, "std: 0 is not positive");
  says([](auto& s) { s.options["shortcut"] = "C"; }, "shortcut: 'C' is not one of 'A', 'B'");
  says([](auto& s) { s.options["shortcuts"] = "A"; }, "did you mean 'shortcut'?");
  says([](auto& s) { s.options["ignore"] = "x"; }, "ignore: \"x\" is not a list of strings");
}

TEST(Build, SaysWhichLayerOfASequenceIsWrong) {
  const auto says = [](ParamList layers, const std::string& words) {
    models::NetworkSpec spec;
    spec.architecture = "sequential", spec.input = {1, 8, 8}, spec.classes = 10;
    spec.options["layers"] = std::move(layers);
    const std::string text = message_of([&] { build_network(spec); });
    EXPECT_NE(text.find(words), std::string::npos) << text << "\nlacks\n" << words;
  };
  const ParamValue flatten = layer("flatten"), linear = layer("linear", {{"out", 10}});
  says({}, "layers is missing");
  says({flatten, layer("liner", {{"out", 10}})}, "layer 1: unknown type 'liner', did you mean");
  says({layer("conv", {{"out", 4}})}, "layer 0: kernel is missing");
  says({layer("conv", {{"out", 0}, {"kernel", 3}})}, "layer 0: out: 0 is not in [1, 65536]");
  says({layer("conv", {{"out", 4}, {"kernel", 9}})}, "a kernel of 9 with padding 0 does not fit");
  says({layer("conv", {{"out", 4}, {"kernel", 3}, {"strid", 2}})}, "did you mean 'stride'?");
  says({layer("conv", {{"out", "four"}, {"kernel", 3}})}, "out: \"four\" is not a whole number");
  says({linear}, "needs a flat input, not [1, 8, 8]");
  says({flatten, layer("conv", {{"out", 4}, {"kernel", 3}})}, "needs an image");
  says({flatten, layer("linear", {{"out", 9}})}, "the last layer gives [9], expected [10]");
  says({layer("maxpool", {{"kernel", 9}}), flatten, linear}, "a kernel of 9 does not fit");
  says({flatten, layer("linear", {{"out", 5}, {"name", "a"}}),
        layer("linear", {{"out", 10}, {"name", "a"}})},
       "the layer name 'a' is there twice");
  says({flatten, 3}, "layer 1: 3 is not a table");
  says({flatten, layer("linear", {{"out", 10}, {"name", 3}})}, "name: 3 is not a string");
}

}  // namespace
}  // namespace gauntlet::testing
