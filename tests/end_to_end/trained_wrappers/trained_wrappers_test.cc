// A wrapper that is trained with a network: from the recipe over the registry and a suite to a
// bundle that is verified.
#include <gmock/gmock.h>

#include <fstream>

#include "base/bad_input.h"
#include "bundle/pack.h"
#include "bundle/verify.h"
#include "conformance/small_training.h"
#include "data/formats/readers.h"
#include "suite/read_suite.h"
#include "tests/support/laboratory_fixture.h"
#include "tests/support/process_state.h"
#include "training/train.h"

namespace gauntlet::testing {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
namespace fs = std::filesystem;

class TrainedWrappers : public ::testing::Test {
 protected:
  TrainedWrappers() {
    fs::create_directories(folder_ / "registry/datasets");
    fs::create_directories(folder_ / "boards");
    const auto split = [&](const std::string& name, int64_t samples, uint64_t seed) {
      write_idx(conformance::quarters(samples, seed),
                folder_ / ("registry/datasets/" + name + "-images.gz"),
                folder_ / ("registry/datasets/" + name + "-labels.gz"));
      return "[split." + name + "]\nformat = \"idx\"\nsamples = " + std::to_string(samples) +
             "\nfiles = [{ path = \"" + name + "-images.gz\" }, { path = \"" + name +
             "-labels.gz\" }]\n";
    };
    std::ofstream(folder_ / "registry/datasets/quarters.toml")
        << "schema = 1\nid = \"quarters\"\nclasses = [\"a\", \"b\", \"c\", \"d\"]\n"
           "shape = [1, 8, 8]\n"
        << split("train", 64, 1) << split("test", 24, 2);
    std::ofstream(folder_ / "boards/plain.toml") << R"(schema = 1
version = 1
title = "small"
division = "deterministic"
seeds = [0]
data = { dataset = "quarters", samples = 24 }
threat.linf = { norm = "linf", epsilon = 0.05 }
[attack]
random_noise = { use = "random_noise" }
fgsm = { use = "fgsm" }
pgd = { use = "pgd", steps = 3, step_size = 0.02 }
[audit]
control = ["random_noise"]
white_box = ["fgsm", "pgd"]
black_box = []
)";
  }

  training::Recipe recipe(const std::string& name, const std::string& more) const {
    const fs::path file = folder_ / (name + "-recipe.toml");
    std::ofstream(file) << "schema = 1\nid = \"quarters/" << name << "\"\n"
                        << R"(dataset = "quarters"
epochs = 3
batch_size = 8
optimizer = { type = "sgd", momentum = 0.9 }
schedule = { type = "constant", learning_rate = 0.01 }
)" << more;
    return training::read_recipe(file, plugins_, registry_);
  }
  fs::path models() const { return folder_ / "registry/models/quarters"; }
  void train(const training::Recipe& recipe) const {
    training::TrainOptions options;
    options.output = models();
    training::train(recipe, plugins_, registry_, options, {});
  }
  void train_purified() const {
    train(recipe("purified", "stack = [{ use = \"denoiser\", size = 5 }]\n" + kNetwork));
  }
  Tensor kernel(const std::string& name) const {
    return models::read_safetensors(models() / (name + ".learned.safetensors"))
        .at("denoiser.kernel");
  }

  suite::Suite suite(const std::string& rows) const {
    std::ofstream(folder_ / "suite.toml") << "schema = 1\nname = \"mine\"\nboard = \"plain@1\"\n"
                                          << rows;
    return suite::read_suite(folder_ / "suite.toml", {}, plugins_, registry_);
  }
  static std::string row(const std::string& name, const std::string& model,
                         const std::string& stack) {
    return "[[defense]]\nname = \"" + name + "\"\nmodel = \"quarters/" + model + "\"\nstack = [" +
           stack + "]\n";
  }
  template <class Action>
  static std::string refusal(const Action& action) {
    try {
      action();
    } catch (const BadInput& error) {
      return error.what();
    }
    return "";
  }
  /// Other values for what was trained, under a sum that is right.
  void exchange(const std::map<std::string, Tensor>& tensors) const {
    const fs::path file = models() / "purified.learned.safetensors",
                   entry = models() / "purified.toml";
    std::string text = text_of(entry);
    const std::string before = sha256_of_file(file);
    models::write_safetensors(file, tensors);
    text.replace(text.find(before), before.size(), sha256_of_file(file));
    std::ofstream(entry) << text;
  }
  static std::string text_of(const fs::path& file) {
    std::ostringstream text;
    text << std::ifstream(file).rdbuf();
    return text.str();
  }

  const std::string kNetwork = R"([network]
architecture = "sequential"
input = [1, 8, 8]
classes = 4
layers = [{ type = "conv", out = 4, kernel = 3 }, { type = "relu" }, { type = "flatten" }, { type = "linear", out = 4 }]
)";
  TemporaryFolder folder_;
  const Variable boards_{"GAUNTLET_BOARDS", (folder_ / "boards").string()};
  const library::PluginLibrary plugins_{{from_environment("GAUNTLET_BUILD_DIR") / "plugins",
                                         from_environment("GAUNTLET_BUILD_DIR") / "test_plugins"}};
  const registry::Registry registry_{folder_ / "registry", {}};
};

const std::string kDenoiser = "{ use = \"denoiser\", size = 5 }";

TEST_F(TrainedWrappers, SurviveFromTheRecipeToTheVerifiedBundle) {
  train_purified();
  EXPECT_EQ(kernel("purified").sizes(), (std::vector<int64_t>{1, 1, 5, 5}));
  EXPECT_GT(kernel("purified").abs().max().item<double>(), 1e-4) << "it is trained";
  const registry::ModelEntry entry = registry_.model("quarters/purified");
  EXPECT_EQ(entry.learned.sha256, sha256_of_file(models() / "purified.learned.safetensors"));
  ASSERT_EQ(entry.learned.plugins.size(), 1u);
  EXPECT_EQ(entry.learned.plugins[0].with.at("size"), ParamValue(5));

  const suite::Suite rows = suite(row("worn", "purified", kDenoiser) + row("bare", "purified", ""));
  const results::Store::Run run = testing::run(rows, plugins_, registry_, folder_ / "run", {});
  const auto margin = [&](const std::string& defense) {
    for (const results::CellRecord& cell : run.cells)
      if (cell.defense == defense && cell.attack == "random_noise") {
        EXPECT_EQ(cell.status, results::Status::kOk) << cell.reason;
        return cell.outcomes.at(0).margin;
      }
    throw std::runtime_error("no row " + defense);
  };
  EXPECT_NE(margin("worn"), margin("bare")) << "the suite's wrapper has what was trained";

  const fs::path file = folder_ / "run.zip";
  bundle::pack(results::Store(folder_ / "run"), {}, plugins_, registry_, file);
  const bundle::BundleFile packed(file);
  const bundle::Verification found = verify(packed, plugins_, registry_);
  EXPECT_THAT(found.failures, IsEmpty());
  EXPECT_THAT(found.notes, IsEmpty());
  ASSERT_EQ(found.rows.size(), 2u);
  for (const bundle::Verification::Row& verified : found.rows)
    EXPECT_EQ(verified.reached, boards::Verified::kModel) << verified.id;

  exchange({{"denoiser.kernel", kernel("purified") + 0.05}});
  const bundle::Verification other = verify(packed, plugins_, registry_);
  EXPECT_THAT(other.failures, Contains(HasSubstr("what was trained beside the network")));
}

TEST_F(TrainedWrappers, AreOfTheModelThatTheyWereTrainedWith) {
  train_purified();
  train(recipe("plain", kNetwork));
  EXPECT_THAT(refusal([&] { suite(row("a", "plain", kDenoiser)); }),
              HasSubstr("defense 'a': stack: 'denoiser' is trained, and model 'quarters/plain' has "
                        "no tensors of it"));
  EXPECT_THAT(refusal([&] { suite(row("a", "purified", "{ use = \"denoiser\" }")); }),
              HasSubstr("'denoiser' was trained with size = 5, here it is 3, expected 5"));
  EXPECT_THAT(refusal([&] { suite(row("a", "purified", kDenoiser + ", " + kDenoiser)); }),
              HasSubstr("'denoiser' is trained and there twice"));
  exchange({{"other.kernel", torch::zeros({1})}});
  EXPECT_THAT(refusal([&] { suite(row("a", "purified", kDenoiser)); }),
              HasSubstr("lacks the tensor 'denoiser.kernel'"));
  exchange({{"denoiser.kernel", torch::zeros({1, 1, 3, 3})}});
  EXPECT_THAT(refusal([&] { suite(row("a", "purified", kDenoiser)); }),
              HasSubstr("the tensor 'denoiser.kernel' is [1, 1, 3, 3], the wrapper declares "
                        "[1, 1, 5, 5]"));
  exchange({{"denoiser.kernel", torch::zeros({1, 1, 5, 5})}, {"denoiser.bias", torch::zeros({1})}});
  EXPECT_THAT(refusal([&] { suite(row("a", "purified", kDenoiser)); }),
              HasSubstr("has the tensor 'denoiser.bias', which the wrapper does not declare"));
  models::write_safetensors(models() / "purified.learned.safetensors",
                            {{"denoiser.kernel", torch::zeros({1})}});
  EXPECT_THAT(refusal([&] { suite(row("a", "purified", kDenoiser)); }),
              HasSubstr("purified.learned.safetensors has SHA-256"));
  fs::remove(models() / "purified.learned.safetensors");
  EXPECT_THAT(refusal([&] { suite(row("a", "purified", kDenoiser)); }),
              HasSubstr("what was trained beside its network is absent"));
  suite(row("a", "purified", ""));  // without the wrapper nothing of it is needed
}

// The same files, named by a suite in place of the registry. Each row is a run of its own: none is
// answered from the records of another.
TEST_F(TrainedWrappers, OfAModelOfTheSuitesOwnAnswerAsThoseOfTheRegistry) {
  train_purified();
  const auto margins = [&](const std::string& name, const std::string& defense) {
    std::ofstream(folder_ / (name + ".toml")) << "schema = 1\nname = \"" << name << "\"\n"
                                              << R"(data = { dataset = "quarters", samples = 24 }
threat.linf = { norm = "linf", epsilon = 0.05 }
attack.fgsm = { use = "fgsm" }
)" << defense;
    const suite::Suite rows =
        suite::read_suite(folder_ / (name + ".toml"), {}, plugins_, registry_);
    const results::Store::Run run = testing::run(rows, plugins_, registry_, folder_ / name, {});
    std::vector<double> out;
    for (const results::CellRecord& cell : run.cells) {
      EXPECT_EQ(cell.status, results::Status::kOk) << cell.reason;
      for (const results::Outcome& outcome : cell.outcomes) out.push_back(outcome.margin);
    }
    return out;
  };
  const std::string own = "[[defense]]\nname = \"row\"\nstack = [" + kDenoiser +
                          "]\n[defense.model]\n" + kNetwork.substr(kNetwork.find('\n') + 1) +
                          R"(weights = "registry/models/quarters/purified.safetensors"
[defense.model.learned]
weights = "registry/models/quarters/purified.learned.safetensors"
sha256 = ")" + registry_.model("quarters/purified").learned.sha256 +
                          "\"\nplugins = [" + kDenoiser + "]\n";
  const std::vector<double> found = margins("own", own);
  ASSERT_EQ(found.size(), 24u);
  EXPECT_EQ(found, margins("registered", row("row", "purified", kDenoiser)));
  EXPECT_NE(found, margins("bare", row("row", "purified", "")));
}

TEST_F(TrainedWrappers, NeedASumInTheEntryOfTheModel) {
  train_purified();
  const fs::path entry = models() / "purified.toml";
  std::string text = text_of(entry);
  const size_t at = text.find("sha256", text.find("[learned]"));
  text.erase(at, text.find('\n', at) + 1 - at);
  std::ofstream(entry) << text;
  EXPECT_THAT(refusal([&] { registry_.model("quarters/purified"); }),
              HasSubstr("learned: 'sha256' is missing"));
}

TEST_F(TrainedWrappers, GoOnWithTheModelThatARecipeBeginsWith) {
  train_purified();
  const std::string from = "from = \"quarters/purified\"\n", worn = "stack = [" + kDenoiser + "]\n";
  training::Recipe further = recipe("further", from + worn);
  further.schedule.learning_rate = 0;
  train(further);
  EXPECT_TRUE(torch::equal(kernel("further"), kernel("purified")));
  EXPECT_THAT(refusal([&] { recipe("other", from + "stack = [{ use = \"denoiser\" }]\n"); }),
              HasSubstr("from: 'denoiser' was trained with size = 5, here it is 3"));
}

}  // namespace
}  // namespace gauntlet::testing
