// TorchScript programs that answer in unusual ways, from the file to the record of a run.
#include <torch/csrc/jit/api/module.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "data/dataset.h"
#include "data/formats/readers.h"
#include "evaluation/cell.h"
#include "suite/job.h"
#include "suite/read_suite.h"
#include "tests/support/laboratory_fixture.h"

namespace gauntlet::testing {
namespace {

// A plane between dark and light images of 2 x 2 pixels, as programs.
class ProgramSuite : public ::testing::Test {
 protected:
  void SetUp() override { write_images(torch::arange(kImages)); }
  // `levels`: of each image, 0 (dark) to kImages - 1 (light).
  void write_images(const torch::Tensor& levels) {
    data::Dataset data;
    data.images = (levels * 4 + 50 + 7 * torch::arange(4).view({4, 1}))
                      .t()
                      .to(torch::kByte)
                      .reshape({levels.size(0), 1, 2, 2});
    data.labels = (levels >= kImages / 2).to(torch::kLong);
    write_idx(data, folder_ / "images.gz", folder_ / "labels.gz");
  }
  // `code` makes of x what the plane sees.
  void write_program(const std::string& code) {
    torch::jit::Module program("Program");
    program.register_parameter(
        "weight", torch::tensor({{-2.0f, -2.0f, -2.0f, -2.0f}, {2.0f, 2.0f, 2.0f, 2.0f}}), false);
    program.register_buffer("seen", torch::zeros({1}));
    program.define("def forward(self, x):\n    " + code +
                   "\n    return torch.matmul(x.flatten(1) - 0.5, self.weight.t())\n");
    program.save((folder_ / "program.pt").string());
  }
  void write_suite(const std::string& keys) {
    std::ofstream(folder_ / "suite.toml") << R"(schema = 1
name = "programs"
threat.linf = { norm = "linf", epsilon = 0.1 }
[data]
format = "idx"
path = "images.gz"
labels = "labels.gz"
classes = 2
[attack]
pgd = { use = "pgd", steps = 5, step_size = 0.03)"
                                          << keys << R"( }
[[defense]]
name = "program"
model = { architecture = "torchscript", weights = "program.pt", input = [1, 2, 2], classes = 2 }
)";
  }
  suite::Suite read() const {
    return suite::read_suite(folder_ / "suite.toml", {}, plugins_, registry_);
  }
  results::CellRecord measured(int64_t batch_size, const std::string& folder,
                               execution::RunSummary* summary = nullptr,
                               const std::string& keys = "") {
    write_suite(keys);
    execution::RunOptions options;
    options.batch_size = batch_size;
    return run(read(), plugins_, registry_, folder_ / folder, options, summary).cells.at(0);
  }
  // The findings of all images at once, without a store.
  std::vector<results::Finding> findings_of_one_pass(int64_t batch_size) {
    const suite::Suite suite = read();
    const suite::Job job = suite::jobs_of(suite).at(0);
    const data::Dataset data = registry_.load(suite.data.entry, suite.data.split);
    evaluation::Laboratory lab(plugins_, registry_, at::kCPU);
    lab.probe_with(data);
    return evaluate({job.scoring, job.defense, *job.attack, job.threat, job.seed, data,
                     job.data.indices, batch_size},
                    lab)
        .record.flags;
  }
  static bool says(const results::CellRecord& cell, const std::string& words) {
    for (const std::string& flag : sentences(cell.flags))
      if (flag.find(words) != std::string::npos) return true;
    return false;
  }

  static constexpr int64_t kImages = 40;
  TemporaryFolder folder_;
  const library::PluginLibrary plugins_{{from_environment("GAUNTLET_BUILD_DIR") / "plugins"}};
  const registry::Registry registry_{folder_ / "registry", {}};
};

TEST_F(ProgramSuite, RowsThatDependOnTheirBatchAreMarkedAndNotReusedForAnother) {
  write_program("x = x - 0.5 * x.mean(0, keepdim=True)");
  execution::RunSummary summary;
  const results::CellRecord whole = measured(40, "run", &summary);
  ASSERT_EQ(whole.status, results::Status::kOk) << whole.reason;
  EXPECT_FALSE(whole.stochastic);
  EXPECT_TRUE(says(whole, "depend on the other images of a batch: measured in batches of 40"));
  const results::CellRecord three = measured(3, "run", &summary);
  EXPECT_EQ(summary.cached, 0) << "another batch size is another question";
  EXPECT_TRUE(says(three, "measured in batches of 3"));
  EXPECT_NE(three.clean_accuracy, whole.clean_accuracy) << "the test needs a difference";
  EXPECT_EQ(measured(40, "run", &summary).clean_accuracy, whole.clean_accuracy);
  EXPECT_EQ(summary.cached, 1);
}

// Like batch norm that was traced in training mode.
TEST_F(ProgramSuite, AProgramThatKeepsAStateIsAskedAsItsFileHasIt) {
  write_program("pass");
  const results::CellRecord plain = measured(10, "plain");
  write_program("self.seen.add_(1)\n    x = x + self.seen - 1");
  const results::CellRecord cell = measured(10, "run");
  ASSERT_EQ(cell.status, results::Status::kOk) << cell.reason;
  EXPECT_FALSE(cell.stochastic);
  EXPECT_EQ(cell.robust_accuracy, plain.robust_accuracy);
  EXPECT_TRUE(says(cell, "the program changes 'seen' while it answers"));
}

TEST_F(ProgramSuite, AnyTypeAndWorkInPlaceAnswerAsThePlainProgram) {
  write_program("pass");
  const results::CellRecord plain = measured(10, "plain");
  ASSERT_EQ(plain.status, results::Status::kOk) << plain.reason;
  EXPECT_TRUE(plain.flags.empty());
  for (const char* code : {"x.mul_(2).div_(2)", "x = x.double().float()"}) {
    write_program(code);
    const results::CellRecord cell = measured(10, std::string("run") + code[1]);
    ASSERT_EQ(cell.status, results::Status::kOk) << cell.reason;
    EXPECT_FALSE(cell.stochastic) << code;
    EXPECT_EQ(cell.clean_accuracy, plain.clean_accuracy) << code;
    EXPECT_EQ(cell.robust_accuracy, plain.robust_accuracy) << code;
  }
}

TEST_F(ProgramSuite, GradientsThatAreNotFiniteMakeTheCellInvalid) {
  write_program("x = x + 0 * (x - x).sqrt()");
  const results::CellRecord cell = measured(40, "run");
  EXPECT_EQ(cell.status, results::Status::kInvalid);
  EXPECT_NE(cell.reason.find("losses or gradients were not finite"), std::string::npos)
      << cell.reason;
}

TEST_F(ProgramSuite, ImagesWithoutAFiniteAnswerAreCountedOnADeterministicNetwork) {
  write_program("x = x + 0 * (x.flatten(1).amax(1) - 0.29).log().view(-1, 1, 1, 1)");
  const results::CellRecord cell = measured(40, "run");
  ASSERT_EQ(cell.status, results::Status::kOk) << cell.reason;
  EXPECT_FALSE(cell.stochastic);
  EXPECT_EQ(cell.trials, 1);
  EXPECT_TRUE(says(cell, "not finite (NaN or infinite) for 1 of 40 clean inputs"))
      << sentence(cell.flags[0]);
  int64_t right = 0;
  for (const results::Outcome& o : cell.outcomes) right += o.clean_right;
  EXPECT_LT(right, 40);
}

// The one image without a finite answer is in the second of two shards.
TEST_F(ProgramSuite, FindingsOfShardsAreThoseOfAllImages) {
  // No other is so dark that the attack could bring it there.
  const torch::Tensor lighter = torch::arange(1039).remainder(kImages - 8) + 8;
  write_images(torch::cat({lighter.slice(0, 0, 1020), torch::tensor({0}), lighter.slice(0, 1020)}));
  write_program(
      "x = (x + 0 * (x.flatten(1).amax(1) - 0.29).log().view(-1, 1, 1, 1) - 0.5) * 300 + 0.5");
  for (const char* keys : {"", ", saturation = \"report\""}) {
    const results::CellRecord cell = measured(40, *keys ? "report" : "retry", nullptr, keys);
    ASSERT_EQ(cell.status, results::Status::kOk) << cell.reason;
    ASSERT_EQ(cell.outcomes.size(), 1040u);
    EXPECT_TRUE(says(cell, "not finite (NaN or infinite) for 1 of 1040 clean inputs"));
    EXPECT_GT(cell.flags.size(), 1u) << "the test needs findings of the attack";
    EXPECT_EQ(sentences(cell.flags), sentences(findings_of_one_pass(40)));
    EXPECT_EQ(cell.flags, findings_of_one_pass(40));
  }
}

TEST_F(ProgramSuite, WhetherSilenceIsTriedAgainIsPartOfTheQuestionAndShown) {
  write_program("x = (x - 0.5) * 300 + 0.5");
  execution::RunSummary summary;
  const results::CellRecord retry = measured(40, "run", &summary),
                            report = measured(40, "run", &summary, ", saturation = \"report\"");
  EXPECT_EQ(summary.cached, 0);
  const auto shown = [](const results::CellRecord& cell) {
    return nlohmann::json::parse(cell.parameters).at("host").at("saturation");
  };
  EXPECT_EQ(shown(retry).at("value"), "retry");
  EXPECT_EQ(shown(report).at("value"), "report");
  EXPECT_EQ(shown(report).at("default"), "retry");
  EXPECT_LE(retry.robust_accuracy, report.robust_accuracy);
  EXPECT_GT(retry.ledger.forwards, report.ledger.forwards);
}

}  // namespace
}  // namespace gauntlet::testing
