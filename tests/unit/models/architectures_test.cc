#include "models/architectures/architectures.h"

#include "base/bad_input.h"
#include "models/architectures/build_network.h"
#include "networks.h"

namespace gauntlet::testing {
namespace {
int64_t parameters(const models::Network& network) {
  int64_t count = 0;
  for (const models::NamedTensor& t : network.tensors()) count += t.trained ? t.tensor.numel() : 0;
  return count;
}

models::NetworkSpec spec_of(const std::string& architecture, std::vector<int64_t> input,
                            int64_t classes, ParamMap options = {}) {
  models::NetworkSpec spec;
  spec.architecture = architecture, spec.input = std::move(input), spec.classes = classes;
  spec.options = std::move(options);
  return spec;
}

struct Published {
  const char* architecture;
  int64_t size, classes, parameters;
  const char* stem = nullptr;
};
// As their papers and the model zoos of torchvision and pytorch-cifar count them.
constexpr Published kPublished[] = {{"resnet18", 224, 1000, 11'689'512, "imagenet"},
                                    {"resnet34", 224, 1000, 21'797'672, "imagenet"},
                                    {"resnet50", 224, 1000, 25'557'032, "imagenet"},
                                    {"resnet18", 32, 10, 11'173'962, "cifar"},
                                    {"preactresnet18", 32, 10, 11'171'146},
                                    {"wrn-28-10", 32, 10, 36'479'194},
                                    {"wrn-34-10", 32, 10, 46'160'474},
                                    {"wrn-32-10", 32, 10, 45'901'914}};

TEST(Architectures, HaveTheParametersOfTheirPublications) {
  for (const Published& p : kPublished) {
    const ParamMap options = p.stem ? ParamMap{{"stem", p.stem}} : ParamMap{};
    const auto network =
        build_network(spec_of(p.architecture, {3, p.size, p.size}, p.classes, options));
    EXPECT_EQ(parameters(*network), p.parameters) << p.architecture;
  }
}

TEST(Architectures, TheWideResNetOfMadryAndOthersTrains) {
  const models::NetworkSpec spec = spec_of("wrn-32-10", {3, 8, 8}, 10, {{"widen", 1}});
  const auto network = build_network(spec, 3);
  network->set_trainable(true);
  const Tensor x = images(spec, 8), y = torch::arange(8);
  const auto loss = [&] {
    const Tensor logits = network->forward(x, noise_for(8), {}, models::Mode::kTrain).logits;
    return torch::cross_entropy_loss(logits, y);
  };
  const Tensor before = loss();
  before.backward();
  {
    const at::NoGradGuard no_graph;
    for (const models::NamedTensor& named : network->tensors()) {
      if (!named.trained) continue;
      ASSERT_TRUE(named.tensor.grad().defined()) << named.name;
      named.tensor.sub_(named.tensor.grad(), 1e-3);
    }
  }
  network->weights_changed();
  EXPECT_LT(loss().item<double>(), before.item<double>());
}

TEST(Architectures, TheWideResNetOfMadryAndOthersHasItsShapes) {
  const models::NetworkSpec spec = spec_of("wrn-32-10", {3, 16, 16}, 10, {{"widen", 2}});
  const auto network = build_network(spec, 3);
  const std::vector<std::string> names = {"stage1", "stage2", "stage3", "penultimate"};
  EXPECT_EQ(network->features(), names);
  const at::NoGradGuard no_graph;
  const auto heads =
      network->forward(images(spec, 2), noise_for(2), {}, models::Mode::kEvaluate, names).heads;
  EXPECT_EQ(heads.at("stage1").sizes(), at::IntArrayRef({2, 32, 16, 16}));
  EXPECT_EQ(heads.at("stage2").sizes(), at::IntArrayRef({2, 64, 8, 8}));
  EXPECT_EQ(heads.at("stage3").sizes(), at::IntArrayRef({2, 128, 4, 4}));
  EXPECT_EQ(heads.at("penultimate").sizes(), at::IntArrayRef({2, 128}));
}

// Small enough to run; every kind of block is among them.
class Forward : public ::testing::TestWithParam<models::NetworkSpec> {};
INSTANTIATE_TEST_SUITE_P(
    Architectures, Forward,
    ::testing::Values(
        spec_of("resnet18", {3, 32, 32}, 10),
        spec_of("resnet18", {3, 64, 64}, 7, {{"stem", "imagenet"}}),
        spec_of("resnet50", {3, 16, 16}, 10),
        spec_of("preactresnet18", {3, 16, 16}, 10, {{"final_norm", true}}),
        spec_of("preactresnet34", {3, 8, 8}, 10), spec_of("wrn-28-4", {3, 8, 8}, 10),
        spec_of("wrn-32-10", {3, 8, 8}, 10, {{"widen", 2}}),
        spec_of("preactresnet18", {3, 16, 16}, 10, {{"shortcut_from", "input"}}),
        spec_of("vgg11", {3, 32, 32}, 10), spec_of("vgg11", {3, 32, 32}, 10, {{"norm", false}}),
        spec_of("densenet40", {3, 8, 8}, 10), spec_of("smallcnn", {1, 28, 28}, 10),
        spec_of("lenet5", {1, 28, 28}, 10), spec_of("cnn-a", {3, 32, 32}, 10, {{"width", 8}}),
        spec_of("cresnet-2b", {3, 32, 32}, 10), spec_of("cresnet-4b", {3, 32, 32}, 10)),
    [](const auto& info) {
      std::string name = info.param.architecture + std::to_string(info.index);
      std::erase(name, '-');
      return name;
    });

TEST_P(Forward, FoldedIsUnfolded) {
  const auto network = build_network(GetParam(), 3);
  make_uneven(*network);
  make_double(*network);
  const Tensor x = images(GetParam(), 2).to(torch::kDouble);
  const Answer plain = ask(*network, x, {}, models::Mode::kEvaluate),
               folded = ask(*network, x, {}, models::Mode::kFolded);
  EXPECT_EQ(plain.logits.sizes(), at::IntArrayRef({2, GetParam().classes}));
  EXPECT_LT(relative_error(folded.logits, plain.logits), 1e-9);
  EXPECT_LT(relative_error(folded.gradient, plain.gradient), 1e-9);
}

// Its own images: those for MNIST are not of CIFAR's size.
models::NetworkSpec usual_spec(const models::Architecture& architecture) {
  const bool mnist = architecture.name == "smallcnn" || architecture.name == "lenet5";
  return spec_of(architecture.name,
                 mnist ? std::vector<int64_t>{1, 28, 28} : std::vector<int64_t>{3, 32, 32}, 10);
}

TEST(Architectures, EveryOneGivesLogits) {
  for (const models::Architecture& architecture : models::architectures()) {
    if (architecture.name == "sequential") continue;  // has no layers of its own
    const models::NetworkSpec spec = usual_spec(architecture);
    const Tensor logits = build_network(spec)
                              ->forward(images(spec, 2), noise_for(2), {}, models::Mode::kEvaluate)
                              .logits;
    EXPECT_EQ(logits.sizes(), at::IntArrayRef({2, 10})) << architecture.name;
    EXPECT_TRUE(logits.isfinite().all().item<bool>()) << architecture.name;
  }
}

TEST(Architectures, EveryOneCanBeCheckedWithoutBeingMade) {
  for (const models::Architecture& architecture : models::architectures())
    if (architecture.name != "sequential") {
      EXPECT_NO_THROW(check_network(usual_spec(architecture))) << architecture.name;
    }
  try {
    check_network(spec_of("wrn-28-11", {3, 32, 32}, 10));
    ADD_FAILURE() << "nothing was thrown";
  } catch (const BadInput& error) {
    EXPECT_STREQ(error.what(), "unknown architecture 'wrn-28-11', did you mean 'wrn-28-10'?");
  }
  EXPECT_THROW(check_network(spec_of("resnet18", {3, 32, 32}, 10, {{"stem", "mnist"}})), BadInput);
}

// What a plugin with BuildsNetwork does.
TEST(Architectures, MayBeGivenByAFunction) {
  models::NetworkSpec spec = spec_of("two_towers", {3, 8, 8}, 4);
  spec.builds = [](NetworkBuilder& b) {
    const auto tower = [&](const std::string& name, int64_t kernel) {
      return b.relu(b.batch_norm(
          b.conv(b.input(), name + ".conv", {.out = 6, .kernel = kernel, .padding = kernel / 2}),
          name + ".bn"));
    };
    const int both = b.max_pool(b.concat(tower("a", 3), tower("b", 5)), 3, 2, 1);
    EXPECT_EQ(b.shape(both), (std::vector<int64_t>{12, 4, 4}));
    b.linear(b.flatten(b.global_avg_pool(both)), "fc", b.classes());
  };
  const auto network = build_network(spec, 3);
  make_uneven(*network);
  const Tensor x = images(spec, 2);
  WeightNoise noise;
  for (const std::vector<PerturbsLayers*>& plugins : {std::vector<PerturbsLayers*>{}, {&noise}})
    EXPECT_LT(relative_error(ask(*network, x, plugins, models::Mode::kFolded).logits,
                             ask(*network, x, plugins, models::Mode::kEvaluate).logits),
              1e-5);
}

TEST(Architectures, GivenByAFunctionAreCheckedAsTheyAreBuilt) {
  using Builds = void (*)(NetworkBuilder&);
  models::NetworkSpec spec = spec_of("wrong", {3, 8, 8}, 4);
  for (const Builds wrong : std::initializer_list<Builds>{
           [](NetworkBuilder& b) { b.relu(7); },
           [](NetworkBuilder& b) { b.concat(b.input(), b.flatten(b.input())); },
           [](NetworkBuilder& b) { b.conv(b.input(), "a", {.out = 4, .stride = 0}); },
           [](NetworkBuilder& b) { b.conv(b.input(), "a", {.out = 0}); },
           [](NetworkBuilder& b) { b.conv(b.input(), "a", {.out = -4}); },
           [](NetworkBuilder& b) { b.conv(b.input(), "a", {.out = 4, .kernel = 0}); },
           [](NetworkBuilder& b) { b.conv(b.input(), "a", {.out = 4, .padding = -1}); },
           [](NetworkBuilder& b) { b.conv(b.input(), "a", {.out = int64_t{1} << 40}); },
           [](NetworkBuilder& b) { b.linear(b.flatten(b.input()), "a", 0); },
           [](NetworkBuilder& b) { b.max_pool(b.input(), 2, 0, 0); },
           [](NetworkBuilder& b) { b.max_pool(b.input(), 2, 2, -1); },
           [](NetworkBuilder& b) { b.avg_pool(b.input(), 0, 1); }}) {
    spec.builds = wrong;
    EXPECT_THROW(build_network(spec), BadInput);
  }
}

}  // namespace
}  // namespace gauntlet::testing
