// The networks that ship: they load, they are as accurate as they declare, their recipes are the
// ones in suites/train.
#include <gtest/gtest.h>

#include "base/sha256.h"
#include "evaluation/craft.h"
#include "models/safetensors.h"
#include "training_fixture.h"

namespace gauntlet {
namespace {
using namespace training_tests;

fs::path source_dir() { return std::getenv("GAUNTLET_SOURCE_DIR"); }

struct Loaded {
  ModelEntry entry;
  std::shared_ptr<Network> network;
  std::vector<std::shared_ptr<Defense>> layer_plugins;
};
Loaded load(const Registry& registry, const std::string& name) {
  Loaded out{registry.model("fashion-mnist/" + name), nullptr, {}};
  out.network = build_network(out.entry.network);
  for (const Use& use : out.entry.layer_plugins) {
    out.layer_plugins.push_back(built_plugins().defense(use.plugin, use.with));
    out.network->declare(dynamic_cast<PerturbsLayers&>(*out.layer_plugins.back()), use.plugin);
  }
  load_state(*out.network, read_safetensors(out.entry.weights), out.entry.weights.string());
  return out;
}

struct PgdOnly final : Environment {
  DefendedModel& model(const ModelRef&) override { throw std::logic_error("no other model"); }
  std::unique_ptr<Attack> attack(const Use& use) override {
    return built_plugins().attack(use.plugin, use.with);
  }
};

struct Shipped : ::testing::TestWithParam<const char*> {
  const Registry registry{source_dir() / "registry", {}};
};

TEST_P(Shipped, IsAsAccurateAsItDeclares) {
  const Loaded model = load(registry, GetParam());
  EXPECT_EQ(model.entry.sha256, sha256_of_file(model.entry.weights));
  EXPECT_LE(fs::file_size(model.entry.weights), 1u << 20);
  const Dataset data = registry.load("fashion-mnist-1k", "test");
  bool found = false;
  for (const DeclaredAccuracy& declared : model.entry.accuracy) {
    if (declared.dataset != data.id) continue;
    found = true;
    EXPECT_EQ(declared.samples, data.size());
    // Other processors round otherwise: a sample on the boundary may change sides.
    EXPECT_NEAR(double(count_correct(*model.network, data)), double(declared.correct), 1);
  }
  EXPECT_TRUE(found);
}

TEST_P(Shipped, WasTrainedByTheRecipeInTheTree) {
  const ModelEntry entry = registry.model(std::string("fashion-mnist/") + GetParam());
  const std::string file = *entry.training.at("recipe").get<std::string>();
  EXPECT_EQ(entry.training.at("recipe_sha256"),
            ParamValue(sha256_of_file(source_dir() / "suites" / "train" / file)));
}

TEST_P(Shipped, WithstandsPgdOnlyWhereItWasTrainedTo) {
  const Loaded model = load(registry, GetParam());
  DefendedModel defended(model.network, model.layer_plugins, {});
  const Dataset data = registry.load("fashion-mnist-1k", "test");
  const Tensor index = torch::arange(200, torch::kLong);
  const auto pgd = built_plugins().attack("pgd", {{"steps", 20}, {"step_size", 0.01}});
  const ThreatModel threat{Norm::kLinf, torch::full({1, 1, 1, 1}, 0.1)};
  CraftRules rules;
  rules.track = false;
  PgdOnly environment;
  const Tensor x =
      craft(*pgd, defended, {data.x(index), data.y(index), index}, threat, rules, environment).x;
  const auto answer = defended.decide(x, noise_for(1, Stream::kScoring, index)).answer;
  const int64_t right = answer.eq(data.y(index)).sum().item<int64_t>();
  if (std::string(GetParam()) == "standard")
    EXPECT_LE(right, 10);
  else
    EXPECT_GE(right, 120);
}

struct ShippedCifar : ::testing::TestWithParam<const char*> {
  const Registry registry{source_dir() / "registry", data_search_path("")};
  const ModelEntry entry = registry.model(std::string("cifar10/") + GetParam());
};

TEST_P(ShippedCifar, IsTheModelOfItsRecipe) {
  EXPECT_EQ(entry.sha256, sha256_of_file(entry.weights));
  EXPECT_LE(fs::file_size(entry.weights), 2u << 20);
  EXPECT_TRUE(fs::exists(entry.log));
  const std::string file = *entry.training.at("recipe").get<std::string>();
  EXPECT_EQ(entry.training.at("recipe_sha256"),
            ParamValue(sha256_of_file(source_dir() / "suites" / "train" / file)));
}

TEST_P(ShippedCifar, IsAsAccurateAsItDeclares) {
  const DatasetEntry cifar = registry.dataset("cifar10");
  for (const auto& file : cifar.find_split("test")->files)
    if (!registry.find(file)) GTEST_SKIP() << file.path << " is not here";
  const Dataset data = registry.load("cifar10", "test");
  const auto network = build_network(entry.network);
  load_state(*network, read_safetensors(entry.weights), entry.weights.string());
  ASSERT_EQ(entry.accuracy.size(), 1u);
  EXPECT_EQ(entry.accuracy[0].samples, data.size());
  EXPECT_NEAR(double(count_correct(*network, data)), double(entry.accuracy[0].correct), 3);
}

INSTANTIATE_TEST_SUITE_P(Cifar10, ShippedCifar,
                         ::testing::Values("standard", "standard-long", "at", "at-pgd7"),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::erase(name, '-');
                           return name;
                         });

INSTANTIATE_TEST_SUITE_P(FashionMnist, Shipped,
                         ::testing::Values("standard", "at", "trades", "pni"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace gauntlet
