// The same question gets the same answer, however the work is cut.
#include <fstream>
#include <nlohmann/json.hpp>

#include "analysis/latest_run.h"
#include "data/formats/readers.h"
#include "execution/local.h"
#include "suite/job_json.h"
#include "suite/read_suite.h"
#include "tests/support/laboratory_fixture.h"

namespace gauntlet::testing {
namespace {
namespace fs = std::filesystem;

// A network of whole numbers on images of 0 and 1, attacked in steps that are powers of two: every
// sum is exact in float32, so that no order of additions can change a bit.
class WholeNumbers : public ::testing::Test {
 protected:
  static constexpr int64_t kSamples = 150;

  void SetUp() override {
    Noise noise;
    noise.key.seed = 11;
    noise.key.id = torch::zeros({1}, torch::kLong),
    noise.key.place = torch::zeros({1}, torch::kLong);
    const auto whole = [&](at::IntArrayRef shape, double scale) {
      return (noise.shared_normal(shape) * scale).round();
    };
    models::write_safetensors(folder_ / "whole.safetensors",
                              {{"0.weight", whole({6, 1, 3, 3}, 2)},
                               {"0.bias", whole({6}, 2)},
                               {"3.weight", whole({4, 6 * 6 * 6}, 2)},
                               {"3.bias", whole({4}, 4)}});
    data::Dataset data;
    data.images = (noise.shared_normal({kSamples, 1, 8, 8}) > 0).to(torch::kByte) * 255;
    data.labels = label(data.images);
    write_idx(data, folder_ / "images.gz", folder_ / "labels.gz");
    std::ofstream(folder_ / "suite.toml") << kSuite;
  }

  // The network's own answers: every sample is right without an attack.
  Tensor label(const Tensor& images) const {
    const auto weights = models::read_safetensors(folder_ / "whole.safetensors");
    const Tensor x = images.to(torch::kFloat) / 255;
    const Tensor a = torch::conv2d(x, weights.at("0.weight"), weights.at("0.bias")).relu();
    return torch::linear(a.flatten(1), weights.at("3.weight"), weights.at("3.bias")).argmax(1);
  }

  suite::Suite suite() const {
    return suite::read_suite(folder_ / "suite.toml", {}, plugins_, registry_);
  }

  results::Store::Run run_with(const std::string& name, int64_t batch_size, bool compact = true,
                               bool reversed = false) const {
    execution::RunOptions options;
    options.batch_size = batch_size, options.compact = compact;
    suite::Suite s = suite();
    if (reversed) std::reverse(s.cells.begin(), s.cells.end());
    return run(s, plugins_, registry_, folder_ / name, options);
  }

  // Records by identity, with the bits of their adversarial inputs.
  struct Kept {
    results::CellRecord record;
    Tensor x_adv;
  };
  std::map<std::string, Kept> kept(const results::Store::Run& run, const std::string& name) const {
    std::map<std::string, Kept> out;
    for (const results::CellRecord& cell : run.cells) {
      EXPECT_EQ(cell.status, results::Status::kOk)
          << cell.defense << " " << cell.attack << ": " << cell.reason;
      if (cell.status != results::Status::kOk) continue;
      out[cell.identity] = {
          cell, models::read_safetensors(folder_ / name / "artifacts" / cell.x_adv).at("x_adv")};
    }
    return out;
  }

  void expect_same(const std::map<std::string, Kept>& a,
                   const std::map<std::string, Kept>& b) const {
    ASSERT_EQ(a.size(), b.size());
    for (const auto& [identity, one] : a) {
      ASSERT_TRUE(b.count(identity)) << one.record.attack << ": another identity";
      const Kept& other = b.at(identity);
      EXPECT_TRUE(one.x_adv.equal(other.x_adv)) << one.record.defense << " " << one.record.attack;
      ASSERT_EQ(one.record.outcomes.size(), size_t(kSamples));
      ASSERT_EQ(other.record.outcomes.size(), size_t(kSamples));
      for (size_t i = 0; i < one.record.outcomes.size(); ++i) {
        const results::Outcome &l = one.record.outcomes[i], &r = other.record.outcomes[i];
        EXPECT_EQ(l.robust_right, r.robust_right);
        EXPECT_EQ(l.predicted, r.predicted);
        EXPECT_EQ(l.margin, r.margin) << "bit for bit";
        EXPECT_EQ(l.distance, r.distance);
      }
      EXPECT_EQ(one.record.robust_accuracy, other.record.robust_accuracy);
    }
  }

  static constexpr const char* kSuite = R"(
schema = 1
name = "whole-numbers"
seeds = [0, 1]
data = { path = "images.gz", labels = "labels.gz", format = "idx", classes = 4, shape = [1, 8, 8] }
threat.small = { norm = "linf", epsilon = "1/16" }
threat.large = { norm = "linf", epsilon = "1/4" }
[attack]
pgd = { use = "pgd", steps = 6, step_size = "1/32", start = "input", loss = "margin" }
long = { use = "pgd", steps = 12, step_size = "1/64", start = "input", loss = "margin", restarts = 2 }
[[defense]]
name = "plain"
model = { architecture = "sequential", weights = "whole.safetensors", input = [1, 8, 8], classes = 4, layers = [
  { type = "conv", out = 6, kernel = 3 }, { type = "relu" }, { type = "flatten" }, { type = "linear", out = 4 } ] }
[[defense]]
name = "vote without noise"
model = { architecture = "sequential", weights = "whole.safetensors", input = [1, 8, 8], classes = 4, layers = [
  { type = "conv", out = 6, kernel = 3 }, { type = "relu" }, { type = "flatten" }, { type = "linear", out = 4 } ] }
stack = [{ use = "smoothing", vote = "prediction", sigma = 0.0, mc_samples = 4 }]
)";

  TemporaryFolder folder_;
  const library::PluginLibrary plugins_ = shipped_plugins();
  const registry::Registry registry_{from_environment("GAUNTLET_SOURCE_DIR") / "registry", {}};
};

TEST_F(WholeNumbers, BitsDoNotDependOnBatchSizeOrderOrCompaction) {
  const auto base = kept(run_with("128", 128), "128");
  ASSERT_EQ(base.size(), 2u * 2 * 2 * 2);
  bool survivors = false, hits = false;
  for (const auto& [_, k] : base) {
    survivors |= k.record.robust_accuracy > 0, hits |= k.record.robust_accuracy < 1;
  }
  ASSERT_TRUE(survivors && hits) << "the comparison needs both";
  expect_same(base, kept(run_with("1", 1), "1"));
  expect_same(base, kept(run_with("7", 7), "7"));
  expect_same(base, kept(run_with("whole", 128, false), "whole"));
  expect_same(base, kept(run_with("reversed", 128, true, true), "reversed"));
}

TEST_F(WholeNumbers, ASecondRunComputesNothing) {
  execution::RunOptions options;
  execution::RunSummary first, second;
  const results::Store::Run a =
      run(suite(), plugins_, registry_, folder_ / "twice", options, &first);
  const results::Store::Run b =
      run(suite(), plugins_, registry_, folder_ / "twice", options, &second);
  EXPECT_EQ(first.cached, 0);
  EXPECT_EQ(second.cached, 16);
  ASSERT_EQ(a.cells.size(), b.cells.size());
  for (size_t i = 0; i < a.cells.size(); ++i) EXPECT_EQ(a.cells[i].finished, b.cells[i].finished);
  ASSERT_EQ(a.worst_cases.size(), 8u);
}

// What another process would read asks the same questions of the same answerers.
TEST_F(WholeNumbers, JobsThatWereTextAreAnsweredFromTheStore) {
  run_with("run", 7);
  const suite::Suite s = suite();
  const data::Dataset data = registry_.load(s.data.entry, s.data.split);
  evaluation::Laboratory laboratory(plugins_, registry_, at::kCPU);
  laboratory.probe_with(data);
  results::Store store(folder_ / "run");
  execution::RunOptions options;
  options.batch_size = 7;
  execution::RunEvents silent;
  store.begin_run(s.name, "{}");
  execution::Answerer answerer(data, s.data.indices, laboratory, store, options, silent);
  std::vector<suite::Job> jobs;
  for (const suite::Job& job : suite::jobs_of(s))
    jobs.push_back(suite::job_from_json(to_json(job)));
  size_t answered = 0;
  execution::LocalExecutor(answerer, silent, nullptr)
      .run(jobs, [&](size_t job, const execution::Answer& answer) {
        EXPECT_TRUE(answer.cached) << jobs[job].label;
        ++answered;
      });
  EXPECT_EQ(answered, s.cells.size());
}

TEST_F(WholeNumbers, TheImagesOfARunLieBesideWhatAttacksMadeOfThem) {
  const results::Store::Run records = run_with("images", 128);
  const auto data = nlohmann::json::parse(records.settings).at("data");
  const auto kept = models::read_safetensors(folder_ / "images" / "artifacts" /
                                             data.at("images").get<std::string>());
  const data::Dataset source = registry_.load(suite().data.entry, "test");
  EXPECT_EQ(data.at("sha256"), source.sha256);
  const Tensor index = torch::tensor(suite().data.indices);
  EXPECT_TRUE(kept.at("index").equal(index));
  EXPECT_TRUE(kept.at("label").equal(source.labels.index_select(0, index)));
  EXPECT_EQ(kept.at("x").scalar_type(), torch::kByte) << "as they are stored";
  EXPECT_TRUE(kept.at("x").equal(source.images.index_select(0, index)));
}

// Stops the run after some cells, as Ctrl-C does.
struct StopAfter final : execution::RunEvents {
  explicit StopAfter(int cells) : left(cells) {}
  void cell_end(const results::CellRecord&, bool) override { stop = --left <= 0; }
  int left;
  std::atomic<bool> stop{false};
};

TEST_F(WholeNumbers, AnInterruptedRunGoesOnToTheSameResult) {
  const auto whole = kept(run_with("uninterrupted", 50), "uninterrupted");
  {
    results::Store store(folder_ / "interrupted");
    StopAfter events(5);
    execution::RunOptions options;
    options.batch_size = 50, options.stop = &events.stop;
    const execution::RunSummary summary =
        run_suite(suite(), plugins_, registry_, store, options, events);
    EXPECT_FALSE(summary.complete);
    EXPECT_EQ(summary.ok, 5);
    EXPECT_FALSE(analysis::latest_run(store).complete);
  }
  execution::RunOptions options;
  options.batch_size = 50;
  execution::RunSummary summary;
  const results::Store::Run resumed =
      run(suite(), plugins_, registry_, folder_ / "interrupted", options, &summary);
  EXPECT_TRUE(summary.complete);
  EXPECT_EQ(summary.cached, 5);
  expect_same(whole, kept(resumed, "interrupted"));
}

TEST_F(WholeNumbers, WorstCaseIsTheMinimumOverAttacks) {
  const results::Store::Run records = run_with("worst", 128);
  for (const results::WorstCase& worst : records.worst_cases) {
    std::map<int64_t, int64_t> right;
    for (const results::CellRecord& cell : records.cells) {
      if (cell.defense != worst.defense || cell.threat != worst.threat || cell.seed != worst.seed)
        continue;
      for (const results::Outcome& o : cell.outcomes) {
        const auto [it, fresh] = right.try_emplace(o.index, o.robust_right);
        it->second = std::min(it->second, o.robust_right);
      }
    }
    double sum = 0;
    for (const auto& [_, r] : right) sum += double(r);
    EXPECT_DOUBLE_EQ(worst.robust_accuracy, sum / double(kSamples));
    EXPECT_TRUE(worst.complete);
  }
}

}  // namespace
}  // namespace gauntlet::testing
