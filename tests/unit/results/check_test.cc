#include "results/check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "results/store.h"

namespace gauntlet {
namespace {

using nlohmann::json;
using results::Check;
using results::Level;

const std::map<std::string, results::Figure> kTwo = {
    {"attack", "pgd"}, {"accuracy", 0.9}, {"other", "less"}, {"other_accuracy", 0.3}};

Check found(const std::string& code, Level level, std::map<std::string, results::Figure> figures,
            const std::string& kind = "records") {
  figures["case"] = kind;
  return {{code, std::move(figures)}, level};
}

// Every check of records, as it passes and as it is found.
std::vector<Check> checks_of_records() {
  std::vector<Check> out;
  for (const Level level : {Level::kPass, Level::kFail}) {
    for (const char* code : {"gradients_vanish", "gradients_saturate", "gradients_not_finite",
                             "box_edge", "unchanged_inputs"})
      out.push_back(found(code, level, {{"samples", int64_t{9}}, {"of", int64_t{10}}}));
    for (const char* code :
         {"more_steps", "more_restarts", "more_draws", "single_step", "black_box", "random_noise"})
      out.push_back(found(code, level, kTwo));
  }
  for (const char* code : {"more_steps", "more_restarts", "more_draws"})
    out.push_back(found(code, Level::kWarn, kTwo, "falls"));
  out.push_back(found("more_draws", Level::kWarn, {{"draws", int64_t{1}}}, "single"));
  out.push_back(found("more_draws", Level::kPass, {{"draws", int64_t{8}}}, "averaged"));
  return out;
}

TEST(ACheck, HasWordsAndAdviceWhereItDidNotPass) {
  for (const Check& check : checks_of_records()) {
    const std::string words = sentence(check);
    EXPECT_FALSE(words.empty() || words.starts_with(check.finding.code)) << words;
    EXPECT_EQ(advice(check).empty(), check.level == Level::kPass) << words;
    EXPECT_FALSE(advice(check).starts_with(check.finding.code)) << advice(check);
  }
}

TEST(ACheck, IsToldInTheWordsOfItsCase) {
  EXPECT_EQ(sentence(found("more_steps", Level::kWarn, kTwo)),
            "pgd leaves 90.0 %, less, with less of the same, 30.0 % of the same images: its steps "
            "fall short, or gradients are masked");
  EXPECT_EQ(sentence(found("more_steps", Level::kWarn, kTwo, "falls")),
            "pgd leaves 90.0 %, less, which is shorter, 30.0 %: the attack had not converged");
  EXPECT_EQ(sentence(found("more_draws", Level::kPass, {{"draws", int64_t{8}}}, "averaged")),
            "gradients were averaged over 8 draws of its noise");
  EXPECT_EQ(sentence(found("unheard_of", Level::kFail, {}, "new")), "unheard_of (case = new)");
}

TEST(ACheck, ThatCouldNotBeMadeSaysWhy) {
  const Check check{{"slope", {{"reason", "the layer throws"}}}, Level::kFail};
  EXPECT_EQ(sentence(check), "it cannot be asked: the layer throws");
  EXPECT_NE(advice(check), "");
}

TEST(ACheck, IsReadAsItWasWritten) {
  for (const Check& check : checks_of_records())
    EXPECT_EQ(json::parse(json(check).dump()).get<Check>(), check) << json(check);
  for (const char* text : {R"({"code": "a", "figures": {}})", R"({"level": "pass"})",
                           R"({"code": "a", "figures": {}, "level": "worse"})"})
    EXPECT_THROW(json::parse(text).get<Check>(), std::invalid_argument) << text;
}

class StoredAudit : public ::testing::Test {
 protected:
  void SetUp() override { std::filesystem::remove_all(folder_); }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  const std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("gauntlet-audits-" + std::to_string(getpid()));
};

TEST_F(StoredAudit, ComesBackWithItsRun) {
  results::RowAudit audit;
  audit.identity = "audit", audit.fingerprint = "f", audit.suite = "s", audit.defense = "AT";
  audit.threat = {"linf8", "linf", 8.0 / 255};
  audit.seed = 3, audit.samples = 200, audit.checks = checks_of_records();
  {
    results::Store store(folder_);
    store.begin_run("s", "{}");
    store.put(audit);
    store.add_audit_to_run("audit", "f");
    store.end_run(true);
  }
  const results::Store store(folder_, results::Store::Access::kRead);
  const results::Store::Run run = store.read_run();
  ASSERT_EQ(run.audits.size(), 1u);
  const results::RowAudit& read = run.audits.front();
  EXPECT_EQ(read.checks, audit.checks);
  EXPECT_EQ(std::tie(read.identity, read.suite, read.defense, read.threat, read.seed, read.samples),
            std::tie(audit.identity, audit.suite, audit.defense, audit.threat, audit.seed,
                     audit.samples));
  EXPECT_TRUE(store.find_audit("audit", "f").has_value());
  EXPECT_FALSE(store.find_audit("audit", "another build").has_value());
}

}  // namespace
}  // namespace gauntlet
