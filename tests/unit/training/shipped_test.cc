// The networks that ship: they load, they are as accurate as they declare, their recipes are the
// ones in suites/train.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <set>

#include "base/sha256.h"
#include "evaluation/craft.h"
#include "models/architectures/build_network.h"
#include "models/weights/safetensors.h"
#include "registry/search_path.h"
#include "training_fixture.h"

namespace gauntlet {
namespace {
using namespace training_tests;

fs::path source_dir() { return std::getenv("GAUNTLET_SOURCE_DIR"); }

struct Loaded {
  registry::ModelEntry entry;
  std::shared_ptr<models::Network> network;
  std::vector<std::shared_ptr<Defense>> layer_plugins;
};
Loaded load(const registry::Registry& registry, const std::string& id) {
  Loaded out{registry.model(id), nullptr, {}};
  out.network = build_network(out.entry.network);
  for (const Use& use : out.entry.layer_plugins) {
    out.layer_plugins.push_back(built_plugins().defense(use.plugin, use.with));
    out.network->declare(dynamic_cast<PerturbsLayers&>(*out.layer_plugins.back()), use.plugin);
  }
  load_state(*out.network, models::read_safetensors(out.entry.weights), out.entry.weights.string());
  return out;
}

struct PgdOnly final : evaluation::Environment {
  evaluation::DefendedModel& model(const ModelRef&) override {
    throw std::logic_error("no other model");
  }
  std::unique_ptr<Attack> attack(const Use& use) override {
    return built_plugins().attack(use.plugin, use.with);
  }
};

const std::vector<std::string> kFashion = {
    "standard", "at",  "trades",         "mart",       "fast",     "free", "gaussian",
    "pni",      "cni", "pni-activation", "pni-trades", "pni-epgd", "rse",  "cni-input"};
const std::vector<std::string> kCifar = {"standard",
                                         "standard-long",
                                         "at",
                                         "at-pgd7",
                                         "trades",
                                         "pni",
                                         "cni",
                                         "pni-trades",
                                         "cni-trades",
                                         "cni-input",
                                         "cni-epgd-diverged",
                                         "cni-epgd-converged",
                                         "cni-high-k"};

TEST(ShippedNetworks, AreAllTestedHere) {
  std::set<std::string> ids;
  for (const std::string& name : kFashion) ids.insert("fashion-mnist/" + name);
  for (const std::string& name : kCifar) ids.insert("cifar10/" + name);
  const std::vector<std::string> there =
      registry::Registry(source_dir() / "registry", {}).model_ids();
  EXPECT_EQ(std::set<std::string>(there.begin(), there.end()), ids);
}

struct Shipped : ::testing::TestWithParam<std::string> {
  const registry::Registry registry{source_dir() / "registry", {}};
  const std::string id = "fashion-mnist/" + GetParam();
};

TEST_P(Shipped, IsAsAccurateAsItDeclares) {
  const Loaded model = load(registry, id);
  EXPECT_EQ(model.entry.sha256, sha256_of_file(model.entry.weights));
  EXPECT_LE(fs::file_size(model.entry.weights), 2u << 20);
  const data::Dataset data = registry.load("fashion-mnist-1k", "test");
  bool found = false;
  for (const registry::DeclaredAccuracy& declared : model.entry.accuracy) {
    if (declared.dataset != data.id) continue;
    found = true;
    EXPECT_EQ(declared.samples, data.size());
    // Other processors round otherwise: a sample on the boundary may change sides.
    EXPECT_NEAR(double(training::count_correct(*model.network, data)), double(declared.correct), 1);
  }
  EXPECT_TRUE(found);
}

TEST_P(Shipped, WasTrainedByTheRecipeInTheTree) {
  const registry::ModelEntry entry = registry.model(id);
  const std::string file = *entry.training.at("recipe").get<std::string>();
  EXPECT_EQ(entry.training.at("recipe_sha256"),
            ParamValue(sha256_of_file(source_dir() / "suites" / "train" / file)));
}

TEST_P(Shipped, WithstandsPgdOnlyWhereItWasTrainedTo) {
  const Loaded model = load(registry, id);
  evaluation::DefendedModel defended(model.network, model.layer_plugins, {});
  const data::Dataset data = registry.load("fashion-mnist-1k", "test");
  const Tensor index = torch::arange(200, torch::kLong);
  const auto pgd = built_plugins().attack("pgd", {{"steps", 20}, {"step_size", 0.01}});
  const ThreatModel threat{Norm::kLinf, torch::full({1, 1, 1, 1}, 0.1)};
  evaluation::CraftRules rules;
  rules.track = false;
  PgdOnly environment;
  const Tensor x =
      craft(*pgd, defended, {data.x(index), data.y(index), index}, threat, rules, environment).x;
  const auto answer = defended.decide(x, noise_for(1, evaluation::Stream::kScoring, index)).answer;
  const int64_t right = answer.eq(data.y(index)).sum().item<int64_t>();
  if (GetParam() == "standard")
    EXPECT_LE(right, 10);
  else if (GetParam() == "gaussian" || GetParam() == "rse")  // noise alone
    EXPECT_LT(right, 100);
  else
    EXPECT_GE(right, 120);
}

struct ShippedCifar : ::testing::TestWithParam<std::string> {
  const registry::Registry registry{source_dir() / "registry", registry::data_search_path("")};
  const registry::ModelEntry entry = registry.model("cifar10/" + GetParam());
};

TEST_P(ShippedCifar, IsTheModelOfItsRecipe) {
  EXPECT_EQ(entry.sha256, sha256_of_file(entry.weights));
  EXPECT_LE(fs::file_size(entry.weights), 8'000'000u);
  EXPECT_TRUE(fs::exists(entry.log));
  const std::string file = *entry.training.at("recipe").get<std::string>();
  EXPECT_EQ(entry.training.at("recipe_sha256"),
            ParamValue(sha256_of_file(source_dir() / "suites" / "train" / file)));
}

TEST_P(ShippedCifar, IsAsAccurateAsItDeclares) {
  const registry::DatasetEntry cifar = registry.dataset("cifar10");
  for (const auto& file : cifar.find_split("test")->files)
    if (!registry.find(file)) GTEST_SKIP() << file.path << " is not here";
  const data::Dataset data = registry.load("cifar10", "test");
  const Loaded model = load(registry, entry.id);
  ASSERT_EQ(entry.accuracy.size(), 1u);
  EXPECT_EQ(entry.accuracy[0].samples, data.size());
  if (std::getenv("GAUNTLET_WHOLE")) {
    EXPECT_NEAR(double(training::count_correct(*model.network, data)),
                double(entry.accuracy[0].correct), 3);
    return;
  }
  // Every tenth image: within three standard deviations of the share that it declares of all.
  data::Dataset tenth = data;
  const Tensor index = torch::arange(0, data.size(), 10);
  tenth.images = data.images.index_select(0, index);
  tenth.labels = data.labels.index_select(0, index);
  const double share = double(entry.accuracy[0].correct) / double(data.size()),
               n = double(tenth.size());
  EXPECT_NEAR(double(training::count_correct(*model.network, tenth)) / n, share,
              3 * std::sqrt(share * (1 - share) / n));
}

std::string name_of(const ::testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  std::erase(name, '-');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Cifar10, ShippedCifar, ::testing::ValuesIn(kCifar), name_of);

INSTANTIATE_TEST_SUITE_P(FashionMnist, Shipped, ::testing::ValuesIn(kFashion), name_of);

}  // namespace
}  // namespace gauntlet
