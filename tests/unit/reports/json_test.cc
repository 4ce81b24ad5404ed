#include "reports/files/json.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "reports/files/validate.h"
#include "run_with_outcomes.h"

namespace gauntlet {
namespace {

using nlohmann::json;

std::string problems(const std::string& report) {
  std::string all;
  for (const std::string& sentence : reports::files::validate_report(report))
    all += sentence + "\n";
  return all;
}

TEST(ReportJson, IsValidWhateverNamesHold) {
  EXPECT_EQ(problems(reports::files::report_json(large_run().run)), "");
}

TEST(ReportJson, SatisfiesItsSchema) {
  EXPECT_EQ(problems(reports::files::report_json(synthetic_run())), "");
  EXPECT_EQ(problems(reports::files::report_json(run_of_seeds())), "");
  EXPECT_EQ(problems(reports::files::report_json(empty_run())), "");
  EXPECT_EQ(problems(reports::files::report_json(certified_run())), "");
  EXPECT_EQ(problems(reports::files::report_json(compared_run())), "");
}

TEST(ReportJson, SaysWhatARandomRowIsMadeOf) {
  results::Store::Run run = synthetic_run();
  results::CellRecord& cell = run.cells.front();
  cell.stochastic = true, cell.trials = 8;
  cell.draws = {.images = {0.1, 0.2, 0.95, "image", "Student t over images"},
                .draws = results::Interval{0.12, 0.18, 0.95, "draw", "Student t over shared draws"},
                .clean_in_every_trial = 0.5};
  const std::string text = reports::files::report_json(run);
  EXPECT_EQ(problems(text), "");
  const json report = json::parse(text);
  const json& draws = report["cells"][0]["draws"];
  EXPECT_EQ(draws["trials"], 8);
  EXPECT_EQ(draws["interval_over_draws"]["high"], 0.18);
  EXPECT_EQ(draws["clean_in_every_trial"], 0.5);
  EXPECT_TRUE(report["cells"][1]["draws"].is_null());
}

TEST(ReportJson, SaysWhatIsCertified) {
  const json report = json::parse(reports::files::report_json(certified_run()));
  ASSERT_EQ(report["certifications"].size(), 3);
  const json& one = report["certifications"][0];
  EXPECT_EQ(one["certified_accuracy"], 0.7);
  EXPECT_EQ(one["abstained"], 0.2);
  EXPECT_EQ(one["norm"], "l2");
  EXPECT_EQ(one["flags"].size(), 1);
  ASSERT_EQ(one["curve"].size(), 8);  // from 0 to each right answer's radius
  EXPECT_EQ(one["curve"][0], json({{"radius", 0.0}, {"certified_accuracy", 0.7}}));
  EXPECT_EQ(one["curve"][7], json({{"radius", 0.1 * 7}, {"certified_accuracy", 0.0}}));
  ASSERT_EQ(one["images"].size(), 10);
  EXPECT_EQ(one["images"][7]["right"], false);
  EXPECT_EQ(one["images"][7]["answer"], 5);
  EXPECT_TRUE(one["images"][8]["answer"].is_null());
  EXPECT_TRUE(one["images"][8]["radius"].is_null());
  const json& failed = report["certifications"][2];
  EXPECT_EQ(failed["status"], "error");
  for (const char* name :
       {"alpha", "certified_accuracy", "interval", "abstained", "average_radius"})
    EXPECT_TRUE(failed[name].is_null()) << name;
  EXPECT_TRUE(failed["curve"].empty());
  EXPECT_TRUE(failed["images"].empty());
  EXPECT_FALSE(
      json::parse(reports::files::report_json(synthetic_run())).contains("certifications"));
}

TEST(ReportJson, TurnsRadiiThatAreNoneIntoErrors) {
  for (const double bad : {std::nan(""), std::numeric_limits<double>::infinity(), -0.1}) {
    results::Store::Run run = certified_run();
    run.certifications[0].certificates[3].radius = bad;
    run.certifications[1].certificates.pop_back();
    const std::string text = reports::files::report_json(run);
    EXPECT_EQ(problems(text), "");
    EXPECT_EQ(json::parse(text)["certifications"][0]["status"], "error");
    EXPECT_EQ(json::parse(text)["certifications"][1]["status"], "error");
  }
}

TEST(ReportJson, SaysWhatTheRecordsSay) {
  const json report = json::parse(reports::files::report_json(synthetic_run()));
  EXPECT_EQ(report["suite"], "synthetic");
  EXPECT_EQ(report["complete"], true);
  EXPECT_EQ(report["settings"]["name"], "synthetic");
  ASSERT_EQ(report["cells"].size(), 9);
  const json& cell = report["cells"][4];
  EXPECT_EQ(cell["defense"], "smoothing, \"soft\"");
  EXPECT_EQ(cell["robust_accuracy"], 0.4375);
  EXPECT_EQ(cell["interval"]["method"], "normal over images");
  EXPECT_EQ(cell["threat"], json({{"name", "linf"}, {"norm", "linf"}, {"epsilon", 0.1}}));
  EXPECT_EQ(cell["ledger"]["executed_backwards"], 15000);
  EXPECT_EQ(cell["parameters"]["attack"]["params"]["steps"]["default"], 10);
  EXPECT_EQ(cell["flags"].size(), 1);
  EXPECT_EQ(report["cells"][1]["robust_accuracy"], 0.0);  // a true zero is a number
  EXPECT_EQ(report["worst_case"][0]["missing"][0], "nattack (invalid)");
  EXPECT_EQ(report["worst_case"][0]["decided_by"]["pgd"], 990);
  EXPECT_TRUE(report["seed_summary"]["rows"].empty());
}

TEST(ReportJson, ShowsNoAccuracyOfWhatFailed) {
  int failed = 0;
  const json report = json::parse(reports::files::report_json(synthetic_run()));
  for (const json& cell : report["cells"]) {
    if (cell["status"] == "ok") continue;
    ++failed;
    for (const char* name : {"clean_accuracy", "robust_accuracy", "interval", "majority_accuracy",
                             "worst_trial_accuracy", "ties"})
      EXPECT_TRUE(cell[name].is_null()) << name;
    EXPECT_NE(cell["reason"], "");
  }
  EXPECT_EQ(failed, 3);
}

TEST(ReportJson, TurnsNumbersThatAreNoneIntoErrors) {
  for (const double bad : {std::nan(""), std::numeric_limits<double>::infinity(), -0.1, 1.1}) {
    results::Store::Run run = empty_run();
    run.cells = {synthetic_cell("at", "pgd", 0.5)};
    run.cells[0].robust_accuracy = bad;
    run.worst_cases = {synthetic_worst_case("at", 0.5, true)};
    run.worst_cases[0].robust_accuracy = bad;
    const std::string text = reports::files::report_json(run);
    EXPECT_EQ(problems(text), "");
    const json report = json::parse(text);
    EXPECT_EQ(report["cells"][0]["status"], "error");
    EXPECT_TRUE(report["cells"][0]["robust_accuracy"].is_null());
    EXPECT_TRUE(report["worst_case"][0]["robust_accuracy"].is_null());
    EXPECT_EQ(report["worst_case"][0]["complete"], false);
  }
}

TEST(ReportJson, SumsUpSeeds) {
  const json rows =
      json::parse(reports::files::report_json(run_of_seeds()))["seed_summary"]["rows"];
  ASSERT_EQ(rows.size(), 3);
  EXPECT_EQ(rows[0]["attack"], "pgd");
  EXPECT_NEAR(rows[0]["robust_accuracy"]["mean"], 0.51, 1e-12);
  EXPECT_NEAR(rows[0]["robust_accuracy"]["sd"], 0.01, 1e-12);  // of 0.50, 0.51, 0.52, unbiased
  EXPECT_EQ(rows[0]["seeds"], json({0, 1, 2}));
  EXPECT_EQ(rows[1]["attack"], "fgsm");
  EXPECT_TRUE(rows[1]["robust_accuracy"].is_null());  // no mean over the seeds that went well
  EXPECT_EQ(rows[1]["missing_seeds"], json({1}));
  EXPECT_TRUE(rows[2]["attack"].is_null());
  EXPECT_EQ(rows[2]["robust_accuracy"]["mean"], rows[0]["robust_accuracy"]["mean"]);
}

TEST(ReportJson, SurvivesNamesThatAreNoUtf8) {
  results::Store::Run run = empty_run();
  run.cells = {synthetic_cell("at\xff", "pgd", 0.5)};
  EXPECT_EQ(problems(reports::files::report_json(run)), "");
}

struct Mutation {
  const char* name;
  void (*change)(json& report);
};
// How GoogleTest names a parameter; without it, the bytes of the object.
void PrintTo(const Mutation& mutation, std::ostream* out) { *out << mutation.name; }

class Schema : public ::testing::TestWithParam<Mutation> {};

TEST_P(Schema, RefusesAReportThatIsWrong) {
  json report = json::parse(reports::files::report_json(synthetic_run()));
  ASSERT_EQ(problems(report.dump()), "");
  GetParam().change(report);
  EXPECT_NE(problems(report.dump()), "");
}

// Cells 0 and 1 are ok, 2 is invalid; worst case 0 has attacks.
INSTANTIATE_TEST_SUITE_P(
    Mutations, Schema,
    ::testing::Values(
        Mutation{"NoCells", [](json& r) { r.erase("cells"); }},
        Mutation{"UnknownKey", [](json& r) { r["cells"][0]["note"] = "x"; }},
        Mutation{"UnknownTopKey", [](json& r) { r["note"] = "x"; }},
        Mutation{"OtherVersion", [](json& r) { r["schema_version"] = 2; }},
        Mutation{"UnknownStatus", [](json& r) { r["cells"][0]["status"] = "fine"; }},
        Mutation{"OkWithoutAccuracy", [](json& r) { r["cells"][0]["robust_accuracy"] = nullptr; }},
        Mutation{"OkWithoutInterval", [](json& r) { r["cells"][0]["interval"] = nullptr; }},
        Mutation{"OkOfNoSamples", [](json& r) { r["cells"][0]["samples"] = 0; }},
        Mutation{"InvalidWithAccuracy", [](json& r) { r["cells"][2]["robust_accuracy"] = 0.0; }},
        Mutation{"InvalidWithClean", [](json& r) { r["cells"][2]["clean_accuracy"] = 0.9; }},
        Mutation{"InvalidWithoutReason", [](json& r) { r["cells"][2]["reason"] = ""; }},
        Mutation{"OkMadeSkipped", [](json& r) { r["cells"][0]["status"] = "skipped"; }},
        Mutation{"AccuracyAboveOne", [](json& r) { r["cells"][0]["clean_accuracy"] = 87.5; }},
        Mutation{"AccuracyAsText", [](json& r) { r["cells"][0]["clean_accuracy"] = "0.875"; }},
        Mutation{"NegativePasses", [](json& r) { r["cells"][0]["ledger"]["queries"] = -1; }},
        Mutation{"HalfAPass", [](json& r) { r["cells"][0]["ledger"]["queries"] = 0.5; }},
        Mutation{"NoQueries", [](json& r) { r["cells"][0]["ledger"].erase("queries"); }},
        Mutation{"IntervalOutside", [](json& r) { r["cells"][0]["interval"]["high"] = 1.01; }},
        Mutation{"LevelOne", [](json& r) { r["cells"][0]["interval"]["level"] = 1; }},
        Mutation{"NegativeEpsilon", [](json& r) { r["cells"][0]["threat"]["epsilon"] = -1; }},
        Mutation{"NoIdentity", [](json& r) { r["cells"][0]["identity"] = ""; }},
        Mutation{"SeedAsText", [](json& r) { r["cells"][0]["seed"] = "0"; }},
        Mutation{"LocalTime", [](json& r) { r["started"] = "31.01.2026 12:00"; }},
        Mutation{"WorstCaseOfNothing", [](json& r) { r["worst_case"][0]["attacks"] = {}; }},
        Mutation{"WorstCaseNoNumber",
                 [](json& r) { r["worst_case"][0]["robust_accuracy"] = nullptr; }},
        Mutation{"ParametersAsText", [](json& r) { r["cells"][0]["parameters"] = "{}"; }}),
    [](const auto& info) { return info.param.name; });

class CertifiedSchema : public ::testing::TestWithParam<Mutation> {};

TEST_P(CertifiedSchema, RefusesACertificationThatIsWrong) {
  json report = json::parse(reports::files::report_json(certified_run()));
  ASSERT_EQ(problems(report.dump()), "");
  GetParam().change(report["certifications"]);
  EXPECT_NE(problems(report.dump()), "");
}

// Certification 0 is ok, its image 8 abstained; 2 is in error.
INSTANTIATE_TEST_SUITE_P(
    Mutations, CertifiedSchema,
    ::testing::Values(
        Mutation{"None", [](json& c) { c = json::array(); }},
        Mutation{"UnknownKey", [](json& c) { c[0]["note"] = "x"; }},
        Mutation{"OkWithoutAccuracy", [](json& c) { c[0]["certified_accuracy"] = nullptr; }},
        Mutation{"OkWithoutImages", [](json& c) { c[0]["images"] = json::array(); }},
        Mutation{"ErrorWithAccuracy", [](json& c) { c[2]["certified_accuracy"] = 0.5; }},
        Mutation{"ErrorWithImages", [](json& c) { c[2]["images"] = c[0]["images"]; }},
        Mutation{"ErrorWithoutReason", [](json& c) { c[2]["reason"] = ""; }},
        Mutation{"CertainlyWrong", [](json& c) { c[0]["alpha"] = 1; }},
        Mutation{"NegativeRadius", [](json& c) { c[0]["images"][0]["radius"] = -1; }},
        Mutation{"AnswerWithoutRadius", [](json& c) { c[0]["images"][0]["radius"] = nullptr; }},
        Mutation{"AbstainedAndRight", [](json& c) { c[0]["images"][8]["right"] = true; }},
        Mutation{"AbstainedWithRadius", [](json& c) { c[0]["images"][8]["radius"] = 0.5; }},
        Mutation{"OtherNorm", [](json& c) { c[0]["norm"] = "linf"; }}),
    [](const auto& info) { return info.param.name; });

TEST(ValidateReport, RefusesWhatIsNoJson) {
  EXPECT_EQ(reports::files::validate_report("{").size(), 1);
  EXPECT_FALSE(reports::files::validate_report("[]").empty());
  EXPECT_FALSE(reports::files::validate_report("{}").empty());
}

TEST(ValidateReport, NamesThePlace) {
  json report = json::parse(reports::files::report_json(synthetic_run()));
  report["cells"][3]["status"] = "fine";
  const std::string sentences = problems(report.dump());
  EXPECT_NE(sentences.find("[cells][3][status]"), std::string::npos) << sentences;
}

}  // namespace
}  // namespace gauntlet
