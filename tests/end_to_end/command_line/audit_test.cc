// gauntlet audit, and the audit of a run.
#include <gmock/gmock.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "command_line_fixture.h"
#include "tests/support/process_state.h"

namespace gauntlet::testing {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

class Audit : public CommandLine {
 protected:
  Ended audit(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> all = {
        "audit",  quickstart(),         "--set",    "data.samples=40",
        "--only", "defense=undefended", "--output", (folder_ / "run").string(),
        "--json", "--samples",          "20"};
    all.insert(all.end(), more.begin(), more.end());
    return gauntlet(all);
  }
  static bool has(const json& row, const std::string& code) {
    return std::any_of(row.at("checks").begin(), row.at("checks").end(),
                       [&](const json& check) { return check.at("code") == code; });
  }
  static bool any_of_level(const json& row, const std::string& level) {
    return std::any_of(row.at("checks").begin(), row.at("checks").end(),
                       [&](const json& check) { return check.at("level") == level; });
  }
};

TEST_F(Audit, SaysWhatItCostsAndWhatItFound) {
  const Ended ended = audit();
  EXPECT_THAT(ended.err, HasSubstr("audit    1 defense × 1 threat × 20 samples, about "));
  EXPECT_THAT(ended.err, HasSubstr("time     about "));
  EXPECT_THAT(ended.err, HasSubstr("checks that need them are left out"));
  const json told = json::parse(ended.out);
  ASSERT_EQ(told.at("rows").size(), 1u) << ended.out;
  const json& row = told.at("rows")[0];
  EXPECT_EQ(row.at("defense"), "undefended");
  EXPECT_EQ(row.at("samples"), 20);
  EXPECT_FALSE(row.at("checks").empty());
  for (const json& check : row.at("checks"))
    EXPECT_EQ(check.at("advice").get<std::string>().empty(), check.at("level") == "pass") << check;
  EXPECT_EQ(ended.code, any_of_level(row, "fail") ? 1 : 0) << ended.out;
  EXPECT_EQ(audit({"--fail-on", "warn"}).code,
            any_of_level(row, "fail") || any_of_level(row, "warn") ? 1 : 0);
}

TEST_F(Audit, IsNotMadeTwiceAndTakesTheRecordsOfARun) {
  const json without = json::parse(audit().out).at("rows")[0];
  EXPECT_THAT(audit().err, HasSubstr("already known"));
  EXPECT_FALSE(has(without, "unchanged_inputs"));
  ASSERT_EQ(gauntlet(small_run("40")).code, 0);
  const Ended with = audit();
  EXPECT_THAT(with.err, Not(HasSubstr("are left out")));
  EXPECT_TRUE(has(json::parse(with.out).at("rows")[0], "unchanged_inputs")) << with.out;
}

TEST_F(Audit, OfARunStandsInItsReport) {
  std::vector<std::string> arguments = small_run("40");
  const auto audits = [&] {
    return json::parse(text_of(folder_ / "run" / "report.json")).at("audits");
  };
  const Ended plain = gauntlet(arguments);
  ASSERT_EQ(plain.code, 0) << plain.err;
  EXPECT_THAT(plain.out, HasSubstr(" checks passed"));
  ASSERT_EQ(audits().size(), 1u);
  EXPECT_EQ(audits()[0].at("samples"), 0);
  EXPECT_TRUE(has(audits()[0], "unchanged_inputs"));

  arguments.insert(arguments.end(), {"--set", "audit={ samples = 20, fail_on = \"warn\" }"});
  const Ended probed = gauntlet(arguments);
  ASSERT_EQ(audits().size(), 1u) << probed.err;
  EXPECT_EQ(audits()[0].at("samples"), 20);
  EXPECT_EQ(probed.code, audits()[0].at("level") == "pass" ? 0 : 1) << probed.err;
  const Ended valid = gauntlet({"report", "--check", (folder_ / "run" / "report.json").string()});
  EXPECT_EQ(valid.code, 0) << valid.err;
  arguments[0] = "check";
  arguments.erase(arguments.begin() + 6, arguments.begin() + 8);  // check has no --output
  EXPECT_THAT(gauntlet(arguments).out, HasSubstr("audit    1 defense × 1 threat × 20 samples"));
}

// A drawn row that is attacked on single draws alone: its audit warns, and does not fail.
TEST_F(Audit, TakesTheTableOfTheSuiteWhereFlagsSayNothing) {
  const auto ended = [&](const char* command, const std::string& table,
                         const std::vector<std::string>& more) {
    std::vector<std::string> all = {command,    quickstart(),
                                    "--set",    "data.samples=40",
                                    "--set",    table,
                                    "--only",   "defense=PNI,attack=pgd",
                                    "--output", (folder_ / "run").string(),
                                    "--quiet"};
    all.insert(all.end(), more.begin(), more.end());
    return gauntlet(all);
  };
  ASSERT_EQ(ended("run", "audit={}", {}).code, 0);
  const std::string warns = "audit={ samples = 10, fail_on = \"warn\" }",
                    silent = "audit={ samples = 10 }";
  const Ended by_table = ended("audit", warns, {"--json"});
  const json row = json::parse(by_table.out).at("rows")[0];
  EXPECT_EQ(row.at("samples"), 10);
  ASSERT_TRUE(any_of_level(row, "warn") && !any_of_level(row, "fail")) << row.dump(1);
  EXPECT_EQ(by_table.code, 1);
  EXPECT_EQ(ended("audit", warns, {"--fail-on", "fail"}).code, 0);
  EXPECT_EQ(ended("audit", silent, {}).code, 0) << "what fails counts where nobody says it";
  EXPECT_EQ(ended("audit", silent, {"--fail-on", "warn"}).code, 1);
  const Ended by_flag = ended("audit", warns, {"--json", "--samples", "4"});
  EXPECT_EQ(json::parse(by_flag.out).at("rows")[0].at("samples"), 4);
}

TEST_F(Audit, OfFewerImagesThanUsualTakesAll) {
  const Ended all =
      gauntlet({"audit", quickstart(), "--set", "data.samples=12", "--only", "defense=undefended",
                "--output", (folder_ / "run").string(), "--json", "--quiet"});
  EXPECT_EQ(json::parse(all.out).at("rows")[0].at("samples"), 12);
}

TEST_F(Audit, OfMoreImagesThanTheSuiteHasIsRefused) {
  const Ended ended =
      gauntlet({"audit", quickstart(), "--set", "data.samples=40", "--only", "defense=undefended",
                "--output", (folder_ / "run").string(), "--samples", "41"});
  EXPECT_EQ(ended.code, 2);
  EXPECT_THAT(ended.err, HasSubstr("--samples: 41 is more than the suite's 40 samples"));
  EXPECT_THAT(ended.err, Not(HasSubstr("time     about"))) << "before anything is measured";
  EXPECT_EQ(ended.out, "");
  EXPECT_FALSE(fs::exists(folder_ / "run"));
}

// As a run of it is.
TEST_F(Audit, OfARowThatTheBoardDoesNotTakeIsRefused) {
  fs::create_directory(folder_ / "boards");
  std::ofstream(folder_ / "boards" / "drawn.toml") << R"(schema = 1
version = 1
title = "drawn"
division = "randomized"
seeds = [0]
scoring = { trials = 3 }
data = { dataset = "fashion-mnist-1k", samples = 8 }
threat.linf = { norm = "linf", epsilon = 0.1 }
attack.pgd = { use = "pgd", steps = 2, step_size = 0.1 }
audit = { control = [], white_box = ["pgd"], black_box = [] }
)";
  std::ofstream(folder_ / "mine.toml") << R"(schema = 1
name = "mine"
board = "drawn@1"
[[defense]]
name = "plain"
model = "fashion-mnist/at"
[[defense]]
name = "voting"
model = "fashion-mnist/at"
stack = [{ use = "smoothing", vote = "soft", sigma = 0.1, mc_samples = 2 }]
)";
  const Variable boards("GAUNTLET_BOARDS", (folder_ / "boards").string());
  const auto ended = [&](std::vector<std::string> more) {
    more.insert(more.begin() + 1,
                {(folder_ / "mine.toml").string(), "--output", (folder_ / "run").string()});
    return gauntlet(more);
  };
  for (const std::vector<std::string>& command : std::vector<std::vector<std::string>>{
           {"run"}, {"audit", "--samples", "4"}, {"audit", "--samples", "4", "--quiet"}}) {
    const Ended refused = ended(command);
    EXPECT_EQ(refused.code, 2) << command[0];
    EXPECT_THAT(refused.err,
                HasSubstr("defense 'plain': its answers to one input never differ (probed by "
                          "repeated forwards), which the randomized division of board 'drawn@1' "
                          "does not take"));
    EXPECT_THAT(refused.err, Not(HasSubstr("'voting'")));
    EXPECT_THAT(refused.err, Not(HasSubstr("time     about"))) << "before anything is measured";
    EXPECT_EQ(refused.out, "");
  }
  const Ended taken = ended({"audit", "--samples", "4", "--only", "defense=voting", "--json"});
  EXPECT_EQ(json::parse(taken.out).at("rows")[0].at("defense"), "voting") << taken.err;
}

TEST_F(Audit, BadWordsAreRefused) {
  EXPECT_EQ(audit({"--fail-on", "never"}).code, 2);
  EXPECT_EQ(audit({"--samples", "0"}).code, 2);
  std::vector<std::string> arguments = small_run("40");
  arguments.insert(arguments.end(), {"--set", "audit={ samples = 41 }"});
  const Ended ended = gauntlet(arguments);
  EXPECT_EQ(ended.code, 2);
  EXPECT_THAT(ended.err, HasSubstr("41 is more than the suite's 40 samples"));
}

}  // namespace
}  // namespace gauntlet::testing
