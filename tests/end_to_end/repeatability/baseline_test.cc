// Rows with a baseline, and wrappers that are fitted on training images, from the suite to the
// report.
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/bad_input.h"
#include "data/dataset.h"
#include "data/formats/readers.h"
#include "reports/files/write_reports.h"
#include "suite/read_suite.h"
#include "tests/support/laboratory_fixture.h"

namespace gauntlet::testing {
namespace {

// A plane between dark and light images of 2 x 2 pixels.
class FittedSuite : public ::testing::Test {
 protected:
  void SetUp() override {
    models::write_safetensors(
        folder_ / "plane.safetensors",
        {{"1.weight", torch::tensor({{-2.0f, -2.0f, -2.0f, -2.0f}, {2.0f, 2.0f, 2.0f, 2.0f}})},
         {"1.bias", torch::tensor({4.0f, -4.0f})}});
    std::filesystem::create_directories(folder_ / "registry/datasets");
    write_data("test", 0);
    write_data("train", 1);
  }
  // Grey images on both sides of the plane, 60 of them.
  void write_data(const std::string& split, int64_t shift) {
    data::Dataset data;
    data.images = (torch::arange(60) * 2 + 68 + shift)
                      .to(torch::kByte)
                      .view({-1, 1, 1, 1})
                      .repeat({1, 1, 2, 2});
    data.labels = (torch::arange(60) >= 30).to(torch::kLong);
    const std::filesystem::path datasets = folder_ / "registry/datasets";
    write_idx(data, datasets / (split + "-images.gz"), datasets / (split + "-labels.gz"));
    sums_[split] = {sha256_of_file(datasets / (split + "-images.gz")),
                    sha256_of_file(datasets / (split + "-labels.gz"))};
    std::ofstream entry(datasets / "grey.toml");
    entry << "schema = 1\nid = \"grey\"\nlicence = \"none\"\ntitle = \"Greys\"\nclasses = "
             "[\"dark\", \"light\"]\nshape = [1, 2, 2]\n";
    for (const auto& [name, sums] : sums_)
      entry << "[split." << name << "]\nformat = \"idx\"\nsamples = 60\nfiles = [{ path = \""
            << name << "-images.gz\", sha256 = \"" << sums.first << "\" }, { path = \"" << name
            << "-labels.gz\", sha256 = \"" << sums.second << "\" }]\n";
  }
  suite::Suite suite(const suite::SuiteOptions& options = {}) const {
    std::ofstream(folder_ / "suite.toml") << R"(schema = 1
name = "fitted"
data = { dataset = "grey" }
threat.linf = { norm = "linf", epsilon = 0.05 }
scoring = { trials = 2 }
[attack]
fgsm = { use = "fgsm" }
pgd = { use = "pgd", steps = 3, step_size = 0.03 }
[[defense]]
name = "plain"
model = { architecture = "sequential", dataset = "grey", weights = "plane.safetensors", input = [1, 2, 2], classes = 2, layers = [
  { type = "flatten" }, { type = "linear", out = 2 } ] }
[[defense]]
name = "vote"
baseline = "plain"
model = { architecture = "sequential", dataset = "grey", weights = "plane.safetensors", input = [1, 2, 2], classes = 2, layers = [
  { type = "flatten" }, { type = "linear", out = 2 } ] }
stack = [{ use = "smoothing", sigmas = )" << sigmas_
                                          << R"(, mc_grid = [3, 9], fit_epsilon = 0.05 }]
)";
    return suite::read_suite(folder_ / "suite.toml", options, plugins_, registry());
  }
  registry::Registry registry() const { return registry::Registry(folder_ / "registry", {}); }
  results::Store::Run run_in(const std::string& name,
                             execution::RunSummary* summary = nullptr) const {
    return run(suite(), plugins_, registry(), folder_ / name, {}, summary);
  }

  TemporaryFolder folder_;
  std::string sigmas_ = "[0, 0.5]";
  std::map<std::string, std::pair<std::string, std::string>> sums_;
  const library::PluginLibrary plugins_{{from_environment("GAUNTLET_BUILD_DIR") / "plugins"}};
};

TEST_F(FittedSuite, ReportsDifferencesFromTheBaseline) {
  const results::Store::Run records = run_in("run");
  ASSERT_EQ(records.differences.size(), 3u) << "clean, fgsm, pgd";
  for (const results::Difference& one : records.differences) {
    EXPECT_TRUE(one.ok);
    EXPECT_EQ(one.defense, "vote");
    EXPECT_EQ(one.samples, 60);
  }
  const results::CellRecord &plain = records.cells[1], &vote = records.cells[3];
  ASSERT_EQ(vote.attack, "pgd");
  EXPECT_NEAR(records.differences[2].value, vote.robust_accuracy - plain.robust_accuracy, 1e-12);
  const auto unread = [](const results::CellRecord&) { return std::vector<results::Outcome>(); };
  reports::files::write_reports({records, unread}, folder_);
  EXPECT_TRUE(std::filesystem::exists(folder_ / "differences.csv"));
  results::Store::Run without = records;
  without.differences.clear();
  reports::files::write_reports({without, unread}, folder_);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "differences.csv")) << "of another run";
}

TEST_F(FittedSuite, RecordsWhatWasFitted) {
  const results::Store::Run records = run_in("run");
  const auto told =
      nlohmann::json::parse(records.cells[3].parameters)["defense"]["fitted"]["smoothing"];
  EXPECT_EQ(told["sigma"], 0.0) << "noise only harms a plane";
  EXPECT_EQ(told["mc_samples"], 3) << "of equal ones the fewest copies";
  EXPECT_EQ(told["sigmas"], nlohmann::json({0.0, 0.5}));
  EXPECT_EQ(told["accuracy"].size(), 2u);
  const auto environment = nlohmann::json::parse(records.cells[2].environment);
  EXPECT_TRUE(environment["plugins"].contains("attack/pgd")) << "fgsm's cell: sigma is of pgd";
  EXPECT_TRUE(nlohmann::json::parse(records.cells[0].parameters)["defense"]["fitted"].empty());
}

TEST_F(FittedSuite, DrawsAreSharedOutAmongTheVotesAsked) {
  sigmas_ = "[0.5]";
  const suite::Suite by_draws = suite({{"scoring={ draws = 20 }", "data.samples=5"}, {}});
  const results::Store::Run records =
      run(by_draws, plugins_, registry(), folder_ / "run", {}, nullptr);
  const results::CellRecord &plain = records.cells[0], &vote = records.cells[2];
  ASSERT_EQ(vote.defense, "vote");
  EXPECT_EQ(plain.trials, 1) << "deterministic";
  const auto told = nlohmann::json::parse(vote.parameters)["defense"]["fitted"]["smoothing"];
  ASSERT_EQ(told["mc_samples"], 9);
  EXPECT_EQ(vote.trials, 3) << "27 draws, not fewer than 20";
  EXPECT_EQ(records.worst_cases[1].trials, 3);
}

TEST_F(FittedSuite, ColumnsThatAskTheSameBothHaveTheAnswer) {
  const suite::Suite twins = suite({{"attack.twin={ base = \"pgd\" }"}, {}});
  execution::RunSummary first, second;
  run(twins, plugins_, registry(), folder_ / "run", {}, &first);
  const results::Store::Run records =
      run(twins, plugins_, registry(), folder_ / "run", {}, &second);
  EXPECT_EQ(first.cached, 2) << "computed once for both";
  EXPECT_EQ(second.cached, 6);
  ASSERT_EQ(records.cells.size(), 6u);
  EXPECT_EQ(records.cells[1].attack, "pgd");
  EXPECT_EQ(records.cells[2].attack, "twin");
  EXPECT_EQ(records.cells[1].robust_accuracy, records.cells[2].robust_accuracy);
  EXPECT_EQ(records.cells[2].outcomes.size(), 60u);
  EXPECT_EQ(records.worst_cases.size(), 2u);
}

TEST_F(FittedSuite, OtherTrainingImagesAreAnotherQuestion) {
  execution::RunSummary again, changed;
  const results::Store::Run first = run_in("run");
  run_in("run", &again);
  EXPECT_EQ(again.cached, 4);
  write_data("train", 3);
  const results::Store::Run other = run_in("run", &changed);
  EXPECT_EQ(changed.cached, 2) << "those of the row that is not fitted";
  EXPECT_NE(first.cells[3].identity, other.cells[3].identity);
}

TEST_F(FittedSuite, WithoutTrainingImagesIsRefusedBeforeAnyWork) {
  std::filesystem::remove(folder_ / "registry/datasets/train-images.gz");
  try {
    suite();
    FAIL() << "the suite was read";
  } catch (const BadInput& problem) {
    EXPECT_NE(
        std::string(problem.what())
            .find(
                "suite.toml:18:9: defense 'vote': stack: 'smoothing' is fitted on training images"),
        std::string::npos)
        << problem.what();
  }
}

}  // namespace
}  // namespace gauntlet::testing
