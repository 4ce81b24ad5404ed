// Published networks under attack, through the whole host: suite, plugins, Target, judge.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

#include "external.h"
#include "table.h"
#include "tests/support/laboratory_fixture.h"

namespace gauntlet::testing {
namespace {
namespace fs = std::filesystem;

const RealNetwork& network_of(const std::string& file) {
  for (const RealNetwork& real : real_networks())
    if (real.file == file) return real;
  throw std::out_of_range(file);
}

// A thousand images tell a broken attack or reader from a sound one: every tenth, since MNIST's
// first ones are not like its last. All of them, minutes of work, where GAUNTLET_WHOLE is set.
const bool kWhole = std::getenv("GAUNTLET_WHOLE") != nullptr;
const int64_t kImages = kWhole ? 10000 : 1000;
std::vector<int64_t> spread() {
  std::vector<int64_t> indices;
  for (int64_t i = 0; i < 10000; i += 10000 / kImages) indices.push_back(i);
  return indices;
}
// Two standard deviations of a share of that many images around a published one.
double chance(double share) { return 2 * std::sqrt(share * (1 - share) / double(kImages)); }

class UnderAttack : public ::testing::Test {
 protected:
  // One defense, one attack; empty where weights or data are absent.
  std::optional<suite::Suite> suite(const std::string& file, int64_t samples, double epsilon,
                                    ParamMap pgd, suite::Success success) {
    const RealNetwork& real = network_of(file);
    registry::ModelEntry model;
    model.id = file, model.dataset = real.dataset, model.network = real.network;
    model.weights = external("GAUNTLET_WEIGHTS", "weights") / (file + ".safetensors");
    return suite(model, samples, epsilon, std::move(pgd), success);
  }
  std::optional<suite::Suite> suite(const registry::ModelEntry& model, int64_t samples,
                                    double epsilon, ParamMap pgd, suite::Success success) {
    if (!fs::exists(model.weights)) return {};
    suite::Suite s;
    s.name = "real";
    s.seeds = {0};
    s.data.dataset = model.dataset;
    s.data.entry = registry_.dataset(model.dataset);
    for (const auto& split : s.data.entry.splits)
      for (const auto& part : split.files)
        if (split.name == "test" && !registry_.find(part)) return {};
    for (int64_t i = 0; i < samples; ++i) s.data.indices.push_back(i);
    s.scoring.success = success;
    s.threats = {{"linf", Norm::kLinf, epsilon, ""}};
    s.attacks.push_back({"pgd", "pgd", resolve(plugins_.schema("attack", "pgd"), pgd), {}});
    s.defenses.push_back({model.id, model, {}});
    s.cells = {{0, 0, 0, 0}};
    return s;
  }
  results::CellRecord only_cell(const suite::Suite& s, const execution::RunOptions& options,
                                const std::string& folder) {
    const results::Store::Run records = run(s, plugins_, registry_, folder_ / folder, options);
    EXPECT_EQ(records.cells.at(0).status, results::Status::kOk) << records.cells.at(0).reason;
    return records.cells.at(0);
  }

  TemporaryFolder folder_;
  const library::PluginLibrary plugins_ = shipped_plugins();
  const registry::Registry registry_{source_dir() / "registry",
                                     {external("GAUNTLET_DATA", "data")}};
};

TEST_F(UnderAttack, AnUndefendedResNetFalls) {
  auto s = suite("akamaster-resnet/resnet20-12fca82f", kImages, 8.0 / 255,
                 {{"steps", 20}, {"step_size", 2.0 / 255}}, suite::Success::kAny);
  if (!s) GTEST_SKIP() << "weights or data are not here";
  s->data.indices = spread();
  const results::CellRecord cell = only_cell(*s, {}, "resnet");
  EXPECT_NEAR(cell.clean_accuracy, 0.9173, kWhole ? 0.0005 : chance(0.9173));
  EXPECT_LE(cell.robust_accuracy, 0.01);
}

TEST_F(UnderAttack, OurAdversariallyTrainedResNetWithstands) {
  const registry::ModelEntry model = registry_.model("cifar10/at-pgd7");
  EXPECT_GE(model.accuracy.at(0).correct, 7000);  // of 10,000, measured by another test
  const auto s = suite(model, 1000, 8.0 / 255, {{"steps", 20}, {"step_size", 2.0 / 255}},
                       suite::Success::kAny);
  if (!s) GTEST_SKIP() << "the data are not here";
  const results::CellRecord cell = only_cell(*s, {}, "ours");
  EXPECT_GE(cell.robust_accuracy, 0.41);
}

TEST_F(UnderAttack, TradesOnMnistKeepsItsPublishedAccuracy) {
  auto s = suite("trades/model_mnist_smallcnn", kImages, 0.3,
                 {{"steps", 40}, {"step_size", 0.01}, {"start", "input"}}, suite::Success::kFinal);
  if (!s) GTEST_SKIP() << "weights or data are not here";
  s->data.indices = spread();
  s->attacks[0].host.saturation =
      suite::Saturation::kReport;  // the published attack, and no second one
  const results::CellRecord cell = only_cell(*s, {}, "trades");
  EXPECT_NEAR(cell.clean_accuracy, 0.9948, kWhole ? 0.0002 : chance(0.9948));
  // Zhang et al., 2019: 40 steps from the input itself.
  EXPECT_NEAR(cell.robust_accuracy, 0.9607, kWhole ? 0.004 : chance(0.9607));
}

TEST_F(UnderAttack, OutcomesHardlyDependOnBatchSizeOrCompaction) {
  const auto s = suite("akamaster-resnet/resnet20-12fca82f", 200, 1.0 / 255,
                       {{"steps", 5}, {"step_size", 0.25 / 255}}, suite::Success::kAny);
  if (!s) GTEST_SKIP() << "weights or data are not here";
  const auto outcomes = [&](const std::string& name, int64_t batch_size, bool compact) {
    execution::RunOptions options;
    options.batch_size = batch_size, options.compact = compact;
    return only_cell(*s, options, name).outcomes;
  };
  const auto base = outcomes("250", 250, true);
  const auto differences = [&](const std::vector<results::Outcome>& other) {
    int64_t count = 0;
    for (size_t i = 0; i < base.size(); ++i)
      count += base[i].robust_right != other.at(i).robust_right;
    return count;
  };
  // Float32 sums differ in the last bit with the batch size: near ties may fall either way.
  EXPECT_LE(differences(outcomes("64", 64, true)), 2);
  EXPECT_LE(differences(outcomes("all", 250, false)), 2);
}

}  // namespace
}  // namespace gauntlet::testing
