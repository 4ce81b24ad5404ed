// Jobs as text: what another process reads is what was asked.
#include "suite/job_json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/bad_input.h"
#include "suite/read_suite.h"
#include "tests/support/process_state.h"
#include "tests/support/temporary_folder.h"

namespace gauntlet {
namespace {
namespace fs = std::filesystem;

fs::path source() { return std::getenv("GAUNTLET_SOURCE_DIR"); }

class JobJson : public ::testing::Test {
 protected:
  std::vector<suite::Job> jobs_of(const fs::path& file) const {
    return suite::jobs_of(suite::read_suite(file, {}, plugins_, registry_));
  }
  std::string refusal(const std::string& text) const {
    try {
      suite::job_from_json(text);
    } catch (const BadInput& error) {
      return error.what();
    }
    return "";
  }

  const library::PluginLibrary plugins_{{fs::path(std::getenv("GAUNTLET_BUILD_DIR")) / "plugins"}};
  const registry::Registry registry_{source() / "registry", {source() / "registry/datasets"}};
};

// Everything crossed with everything: every shipped attack, defense and key.
TEST_F(JobJson, OfShippedSuitesComesBackAsItWas) {
  for (const char* name : {"suites/quickstart.toml", "suites/all-fashion.toml"}) {
    const std::vector<suite::Job> jobs = jobs_of(source() / name);
    ASSERT_GE(jobs.size(), 25u);
    for (const suite::Job& job : jobs) {
      const std::string text = to_json(job);
      const suite::Job read = suite::job_from_json(text);
      EXPECT_EQ(to_json(read), text) << job.label;
      EXPECT_EQ(read.defense.model.entry_file, job.defense.model.entry_file);
      EXPECT_EQ(read.attack.has_value(), job.attack.has_value());
      if (job.attack) {
        EXPECT_EQ(read.attack->params, job.attack->params) << job.label;
      }
    }
  }
}

TEST_F(JobJson, KeepsEveryValueThatIsNotTheDefault) {
  suite::Job job = jobs_of(source() / "suites/quickstart.toml").front();
  suite::AttackSpec& attack = *job.attack;
  attack.params["list"] = ParamList{1, 1.0, "1", ParamMap{{"use", "pgd"}}};
  attack.host.restarts = 3, attack.host.draws = 8, attack.host.max_queries = 100;
  attack.host.average = Average::kLogit, attack.host.goal = Goal::kTargeted;
  attack.host.access = Access::kDecision, attack.host.mode = models::Mode::kFoldedHalf;
  attack.host.saturation = suite::Saturation::kReport, attack.additional = true;
  job.scoring = {5, 0, suite::Success::kFinal};
  job.threat = {"l1", Norm::kL1, 1.0 / 3, "1/3"};
  job.data.indices = {7, 3, 5};
  job.defense.model.learned = {
      "a.safetensors", "a sum", {Use{"denoiser", {{"size", 5}}}}, "method"};
  const suite::Job read = suite::job_from_json(to_json(job));
  const registry::LearnedEntry& learned = read.defense.model.learned;
  EXPECT_EQ(learned.weights, "a.safetensors");
  EXPECT_EQ(learned.sha256, "a sum");
  ASSERT_EQ(learned.plugins.size(), 1u);
  EXPECT_EQ(learned.plugins[0].with.at("size"), ParamValue(5));
  EXPECT_EQ(learned.method, "method");
  EXPECT_EQ(read.attack->params, attack.params);
  EXPECT_EQ(read.attack->host.restarts, 3);
  EXPECT_EQ(read.attack->host.draws, 8);
  EXPECT_EQ(read.attack->host.max_queries, 100);
  EXPECT_EQ(read.attack->host.average, Average::kLogit);
  EXPECT_EQ(read.attack->host.goal, Goal::kTargeted);
  EXPECT_EQ(read.attack->host.access, Access::kDecision);
  EXPECT_EQ(read.attack->host.mode, models::Mode::kFoldedHalf);
  EXPECT_EQ(read.attack->host.saturation, suite::Saturation::kReport);
  EXPECT_TRUE(read.attack->additional);
  EXPECT_EQ(read.scoring.trials, 5);
  EXPECT_EQ(read.scoring.success, suite::Success::kFinal);
  EXPECT_EQ(read.threat.norm, Norm::kL1);
  EXPECT_EQ(read.threat.epsilon, 1.0 / 3);  // to the last bit
  EXPECT_EQ(read.threat.epsilon_text, "1/3");
  EXPECT_EQ(read.data.indices, job.data.indices);
}

TEST_F(JobJson, ThatIsNoneIsRefusedWithASentence) {
  EXPECT_EQ(refusal("{"), "a job is no JSON object");
  EXPECT_EQ(refusal("[]"), "a job is no JSON object");
  EXPECT_EQ(refusal("{}"), "a job lacks 'suite'");
  nlohmann::json job =
      nlohmann::json::parse(to_json(jobs_of(source() / "suites/quickstart.toml").front()));
  job["seed"] = "one";
  EXPECT_EQ(refusal(job.dump()), "a job's 'seed' is \"one\"");
  job["seed"] = 0;
  job["threat"]["norm"] = "l3";
  EXPECT_EQ(refusal(job.dump()), "a job says \"l3\", which is none of its choices");
}

}  // namespace
}  // namespace gauntlet
