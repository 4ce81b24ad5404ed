// Adversarial examples from a file: judged as if they had been made here.
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "evaluation/craft.h"
#include "evaluation/judge.h"
#include "tests/toys/toy_model.h"
#include "tests/unit/data/file_bytes.h"

namespace gauntlet {
namespace {
using namespace toys;
using testing::npy_bytes;
using testing::stored;
namespace fs = std::filesystem;

class External : public ::testing::Test {
 protected:
  External()
      : file_(fs::temp_directory_path() / ("external-" + std::to_string(getpid()) + ".npz")) {}
  ~External() override { fs::remove(file_); }

  void save(const Tensor& x, const Tensor& index = {}) const {
    std::vector<testing::ZipPart> parts = {stored("x_adv", npy_bytes(x))};
    if (index.defined()) parts.push_back(stored("index", npy_bytes(index)));
    std::ofstream(file_, std::ios::binary) << testing::zip_bytes(parts);
  }
  evaluation::Crafted run(const std::string& name, const ParamMap& params,
                          const evaluation::CraftBatch& batch) {
    ToyEnvironment environment;
    const std::unique_ptr<Attack> plugin = attack(name, params);
    return craft(*plugin, *toy_.model, batch, threat_, {}, environment);
  }
  evaluation::Crafted judged(const evaluation::CraftBatch& batch) {
    return run("external", {{"file", file_.string()}}, batch);
  }
  std::string refusal() {
    try {
      judged(batch_);
    } catch (const ParamError& error) {
      return error.what();
    }
    return "";
  }

  fs::path file_;
  Toy toy_ = toy(curved({1, 5, 6}, 4));
  evaluation::CraftBatch batch_ = batch_of(*toy_.model, 12);
  ThreatModel threat_ = threat_of(Norm::kLinf, 0.1);
};

TEST_F(External, OfPgdGivesPgdsVerdicts) {
  threat_ = threat_of(Norm::kLinf, 0.02);
  const auto judge_of = [&](const Tensor& x) {
    return judge(*toy_.model, x, batch_.y, batch_.index, /*seed=*/0, evaluation::Stream::kScoring,
                 1);
  };
  const evaluation::Crafted made = run("pgd", {{"steps", 10}, {"step_size", 0.005}}, batch_);
  const evaluation::Verdict verdict = judge_of(made.x);
  EXPECT_GT(verdict.right.sum().item<int64_t>(), 0);
  EXPECT_LT(verdict.right.sum().item<int64_t>(), 12);
  save(made.x);
  const evaluation::Crafted again = judged(batch_);
  EXPECT_TRUE(again.x.equal(made.x));
  EXPECT_EQ(again.ledger.forwards + again.ledger.backwards, 0);
  const evaluation::Verdict second = judge_of(again.x);
  EXPECT_TRUE(second.right.equal(verdict.right));
  EXPECT_TRUE(second.predicted.equal(verdict.predicted));
  EXPECT_TRUE(second.margin.equal(verdict.margin));
}

TEST_F(External, FindsSamplesByTheirIndexInAnyBatch) {
  const evaluation::Crafted made = run("pgd", {{"steps", 10}, {"step_size", 0.02}}, batch_);
  const Tensor order = torch::tensor({7, 3, 11, 0, 5}, torch::kLong);
  save(made.x.index_select(0, order), order);
  Tensor expected = batch_.x.clone();
  expected.index_copy_(0, order, made.x.index_select(0, order));
  EXPECT_TRUE(judged(batch_).x.equal(expected)) << "absent samples keep their clean input";
  for (const int64_t from : {0, 5, 9})
    EXPECT_TRUE(judged(part(batch_, from, from + 3)).x.equal(expected.slice(0, from, from + 3)));
}

TEST_F(External, TakesBytesAndDoubles) {
  const Tensor x = (batch_.x * 255).round();
  save(x.to(torch::kByte));
  EXPECT_TRUE(judged(batch_).x.equal(x / 255));
  save((x / 255).to(torch::kDouble));
  EXPECT_TRUE(judged(batch_).x.equal(x / 255));
}

TEST_F(External, OutsideBallBoxOrNumbersIsInvalid) {
  for (const double shift : {0.11, 2.0, double(NAN)}) {
    Tensor x = batch_.x.clone();
    x[4] += shift;
    save(x);
    EXPECT_THROW(judged(batch_), InvalidResult) << shift;
  }
}

TEST_F(External, SaysWhatIsWrongWithTheFile) {
  const auto says = [&](const std::string& words) {
    const std::string said = refusal();
    EXPECT_NE(said.find(words), std::string::npos) << said;
  };
  says("no such file");
  save(torch::zeros({12, 3, 5, 6}));
  says("'x_adv' is [12, 3, 5, 6], expected [n, 1, 5, 6]");
  save(torch::zeros({12, 1, 5, 6}, torch::kLong));
  says("neither uint8 nor of floats");
  save(batch_.x, torch::tensor({0, 1}, torch::kLong));
  says("not one whole number for each of the 12 examples");
  save(batch_.x, torch::arange(12).clamp_max(10));
  says("sample 10 has two examples");
  EXPECT_FALSE(attack("external")->unsupported(threat_, {}, Goal::kUntargeted).empty());
}

}  // namespace
}  // namespace gauntlet
