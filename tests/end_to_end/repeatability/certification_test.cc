// Certification from the suite to the store: what is cached, what an interruption costs, what
// fails.
#include <fstream>
#include <regex>

#include "analysis/latest_run.h"
#include "data/formats/readers.h"
#include "suite/read_suite.h"
#include "tests/support/laboratory_fixture.h"

namespace gauntlet::testing {
namespace {

// A plane between two classes of 2 x 2 images.
class CertifiedSuite : public ::testing::Test {
 protected:
  static constexpr int64_t kSamples = 60;

  void SetUp() override {
    models::write_safetensors(
        folder_ / "plane.safetensors",
        {{"1.weight", torch::tensor({{-2.0f, -2.0f, -2.0f, -2.0f}, {2.0f, 2.0f, 2.0f, 2.0f}})},
         {"1.bias", torch::tensor({4.0f, -4.0f})}});
    data::Dataset data;
    // Mean grey from 68 to 187 of 255: on both sides of the plane, none on it.
    data.images = (torch::arange(kSamples) * 2 + 68)
                      .to(torch::kByte)
                      .view({-1, 1, 1, 1})
                      .repeat({1, 1, 2, 2});
    data.labels = (data.images.to(torch::kFloat).flatten(1).mean(1) / 255 > 0.5).to(torch::kLong);
    write_idx(data, folder_ / "images.gz", folder_ / "labels.gz");
    distance_ = ((data.images.to(torch::kDouble).flatten(1).mean(1) / 255 - 0.5) * 2).abs();
  }

  suite::Suite suite(const std::string& stack,
                     const std::string& certify = "certify = true") const {
    std::ofstream(folder_ / "suite.toml") << "schema = 1\nname = \"plane\"\nseeds = [0]\n"
                                          << certify << R"(
data = { path = "images.gz", labels = "labels.gz", format = "idx", classes = 2, shape = [1, 2, 2] }
threat.l2 = { norm = "l2", epsilon = 0.3 }
scoring = { trials = 3 }
[attack]
pgd = { use = "pgd", steps = 5, step_size = 0.1, loss = "margin", draws = 4 }
[[defense]]
name = "smoothed"
model = { architecture = "sequential", weights = "plane.safetensors", input = [1, 2, 2], classes = 2, layers = [
  { type = "flatten" }, { type = "linear", out = 2 } ] }
stack = [)" << stack << "]\n";
    return suite::read_suite(folder_ / "suite.toml", {}, plugins_, registry_);
  }
  results::Store::Run run_in(const std::string& name, const suite::Suite& suite,
                             execution::RunSummary* summary = nullptr,
                             int64_t batch_size = 250) const {
    execution::RunOptions options;
    options.batch_size = batch_size;
    return run(suite, plugins_, registry_, folder_ / name, options, summary);
  }
  static void expect_same(const results::Certification& a, const results::Certification& b) {
    ASSERT_EQ(a.certificates.size(), b.certificates.size());
    for (size_t i = 0; i < a.certificates.size(); ++i) {
      EXPECT_EQ(a.certificates[i].index, b.certificates[i].index);
      EXPECT_EQ(a.certificates[i].answer, b.certificates[i].answer);
      EXPECT_EQ(a.certificates[i].radius, b.certificates[i].radius) << "bit for bit";
    }
    EXPECT_EQ(a.forwards, b.forwards);
  }

  static constexpr const char* kStack =
      "{ use = \"randomized_smoothing\", sigma = 0.25, n0 = 50, n = 400, mc_samples = 16 }";

  TemporaryFolder folder_;
  Tensor distance_;
  const library::PluginLibrary plugins_{{from_environment("GAUNTLET_BUILD_DIR") / "plugins",
                                         from_environment("GAUNTLET_BUILD_DIR") / "test_plugins"}};
  const registry::Registry registry_{from_environment("GAUNTLET_SOURCE_DIR") / "registry", {}};
};

TEST_F(CertifiedSuite, CertifiesEverySampleBelowItsDistance) {
  execution::RunSummary summary;
  const results::Store::Run records = run_in("run", suite(kStack), &summary);
  EXPECT_EQ(summary.ok, 2);
  ASSERT_EQ(records.certifications.size(), 1u);
  const results::Certification& record = records.certifications[0];
  ASSERT_EQ(record.status, results::Status::kOk) << record.reason;
  EXPECT_EQ(record.defense, "smoothed");
  EXPECT_EQ(record.alpha, 0.001);
  EXPECT_EQ(record.forwards, kSamples * 450);
  EXPECT_TRUE(record.flags.empty()) << sentence(record.flags[0]);
  ASSERT_EQ(record.certificates.size(), size_t(kSamples));
  EXPECT_GT(record.certified_accuracy, 0.7);
  for (const results::CertifiedSample& c : record.certificates) {
    EXPECT_LT(c.radius, distance_[c.index].item<double>() + 1e-9) << c.index;
    EXPECT_TRUE(c.answer < 0 || c.answer == c.label) << c.index;
  }
}

TEST_F(CertifiedSuite, ASecondRunComputesNothingAndOtherParametersComputeAnew) {
  execution::RunSummary first, second, third, fourth;
  const results::Store::Run a = run_in("store", suite(kStack), &first);
  const results::Store::Run b = run_in("store", suite(kStack), &second, /*batch_size=*/7);
  EXPECT_EQ(first.cached, 0);
  EXPECT_EQ(second.cached, 2);
  EXPECT_EQ(a.certifications[0].finished, b.certifications[0].finished);
  expect_same(a.certifications[0], b.certifications[0]);
  const std::string more =
      std::regex_replace(std::string(kStack), std::regex("n = 400"), "n = 500");
  const results::Store::Run c = run_in("store", suite(more), &third);
  EXPECT_EQ(third.cached, 0);
  EXPECT_NE(c.certifications[0].identity, a.certifications[0].identity);
  const results::Store::Run d =
      run_in("store", suite(kStack, "certify = { samples = 30 }"), &fourth);
  EXPECT_EQ(fourth.cached, 1) << "the attack";
  ASSERT_EQ(d.certifications[0].certificates.size(), 30u);
  EXPECT_EQ(d.certifications[0].certificates[29].radius,
            a.certifications[0].certificates[29].radius);
}

TEST_F(CertifiedSuite, AdversarialInputsThatAreGoneAreMadeAgainAndHeldAgainstCertificates) {
  execution::RunSummary second;
  const results::Store::Run before = run_in("store", suite(kStack, ""));
  for (const auto& file : std::filesystem::directory_iterator(folder_ / "store/artifacts"))
    std::filesystem::remove(file);
  const results::Store::Run records = run_in("store", suite(kStack), &second);
  ASSERT_EQ(records.certifications.size(), 1u);
  EXPECT_EQ(records.certifications[0].status, results::Status::kOk);
  EXPECT_TRUE(records.certifications[0].flags.empty());
  EXPECT_EQ(second.cached, 0);
  EXPECT_TRUE(second.complete);
  EXPECT_EQ(records.cells[0].x_adv_sha256, before.cells[0].x_adv_sha256);
}

TEST_F(CertifiedSuite, AShardThatIsAllOfAnotherSuiteIsWhole) {
  run_in("store", suite(kStack));
  const results::Store::Run records = run_in("store", suite(kStack, "certify = { samples = 25 }"));
  ASSERT_EQ(records.certifications.size(), 1u);
  EXPECT_NE(records.certifications[0].environment, "");
  EXPECT_NE(records.certifications[0].finished, "");
}

TEST_F(CertifiedSuite, WithoutTheKeyNothingChanges) {
  const results::Store::Run with = run_in("with", suite(kStack)),
                            without = run_in("without", suite(kStack, ""));
  EXPECT_TRUE(without.certifications.empty());
  ASSERT_EQ(with.cells.size(), without.cells.size());
  EXPECT_EQ(with.cells[0].identity, without.cells[0].identity);
  EXPECT_EQ(with.cells[0].robust_accuracy, without.cells[0].robust_accuracy);
}

// Stops once a shard of the certification is done, as Ctrl-C does.
struct StopInside final : execution::RunEvents {
  void cell_begin(size_t, const std::string& label) override {
    certifying = label.find("certified") != std::string::npos;
  }
  void samples(int64_t, int64_t) override { stop = certifying; }
  bool certifying = false;
  std::atomic<bool> stop{false};
};

TEST_F(CertifiedSuite, AnInterruptedRunKeepsItsShardsAndGoesOn) {
  const results::Store::Run whole = run_in("whole", suite(kStack));
  {
    results::Store store(folder_ / "interrupted");
    StopInside events;
    execution::RunOptions options;
    options.stop = &events.stop;
    const suite::Suite s = suite(kStack);
    EXPECT_FALSE(run_suite(s, plugins_, registry_, store, options, events).complete);
    EXPECT_TRUE(analysis::latest_run(store).certifications.empty());
  }
  execution::RunSummary summary;
  const results::Store::Run resumed = run_in("interrupted", suite(kStack), &summary);
  EXPECT_TRUE(summary.complete);
  EXPECT_EQ(summary.cached, 1) << "the attack; of the certification only a shard";
  expect_same(whole.certifications[0], resumed.certifications[0]);
}

TEST_F(CertifiedSuite, WhatTheCertifierDoesWrongIsARecordWithoutNumbers) {
  const auto certified = [&](const std::string& what) {
    return run_in(what, suite("{ use = \"false_certificates\", what = \"" + what + "\" }"))
        .certifications.at(0);
  };
  const results::Certification threw = certified("throws"), negative = certified("negative");
  EXPECT_EQ(threw.status, results::Status::kError);
  EXPECT_EQ(threw.reason, "'false_certificates': certify(): no certificate today");
  EXPECT_EQ(negative.status, results::Status::kInvalid);
  EXPECT_NE(negative.reason.find("negative or not finite"), std::string::npos) << negative.reason;
  EXPECT_TRUE(threw.certificates.empty() && negative.certificates.empty());
  EXPECT_EQ(threw.samples, kSamples);
}

TEST_F(CertifiedSuite, AnAttackInsideACertifiedRadiusIsFlagged) {
  const results::Store::Run records = run_in("flags", suite("{ use = \"false_certificates\" }"));
  ASSERT_EQ(records.certifications[0].status, results::Status::kOk)
      << records.certifications[0].reason;
  ASSERT_EQ(records.certifications[0].flags.size(), 1u);
  const std::string told = sentence(records.certifications[0].flags[0]);
  EXPECT_EQ(told.find("pgd under l2 changed the answer inside the certified"), 0u) << told;
}

TEST_F(CertifiedSuite, ATransformOutsideOfTheVoteLeavesNothingCertified) {
  const results::Store::Run records =
      run_in("outside", suite(std::string(kStack) + ", { use = \"rounding\" }"));
  EXPECT_EQ(records.certifications[0].status, results::Status::kSkipped);
  EXPECT_NE(records.certifications[0].reason.find("'rounding' changes the input outside"),
            std::string::npos)
      << records.certifications[0].reason;
}

}  // namespace
}  // namespace gauntlet::testing
