// Nobody reads a number without its mark.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "csv_table.h"
#include "page.h"
#include "reports/curves.h"
#include "reports/files/csv.h"
#include "reports/files/json.h"
#include "reports/files/validate.h"
#include "reports/page/pages.h"
#include "reports/page/view.h"
#include "reports/paper/paper.h"
#include "synthetic_run.h"

namespace gauntlet {
namespace {

using nlohmann::json;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kFinding = "every gradient is 0";

enum class Named { kNot, kAsText, kAsData };

/// "at" under pgd has a finding, and pgd decides its worst case; a store names that or not.
results::Store::Run flagged_run(Named in_worst_case) {
  results::Store::Run run = synthetic_run();
  const results::Finding finding = results::remark(kFinding);
  run.cells[7].flags = {finding};
  if (in_worst_case == Named::kAsData) run.worst_cases[2].flags = {found_in("pgd", finding)};
  if (in_worst_case == Named::kAsText)
    run.worst_cases[2].flags = {results::remark(std::string("pgd: ") + kFinding)};
  return run;
}

std::string line_with(const std::string& text, const std::string& begin) {
  const size_t at = text.find(begin);
  return at == std::string::npos ? "" : text.substr(at, text.find('\n', at) - at);
}

class Findings : public ::testing::TestWithParam<Named> {
 protected:
  const results::Store::Run run = flagged_run(GetParam());
};
std::string store_of(const ::testing::TestParamInfo<Named>& named) {
  return named.param == Named::kNot      ? "OfFirstBuilds"
         : named.param == Named::kAsText ? "OfOlderBuilds"
                                         : "OfToday";
}
INSTANTIATE_TEST_SUITE_P(OfStores, Findings,
                         ::testing::Values(Named::kNot, Named::kAsText, Named::kAsData), store_of);

TEST_P(Findings, StandBesideTheWorstCaseOnThePage) {
  const std::string html = reports::page::report_html(without_outcomes(run));
  const Page page(html);
  const auto worst = page.of_class("td", "worst");
  ASSERT_EQ(worst.size(), 3u);
  EXPECT_EQ(worst[0].text.find("⚑"), std::string::npos) << worst[0].text;
  EXPECT_NE(worst[2].text.find("70.0⚑2"), std::string::npos) << worst[2].text;
  EXPECT_THAT(html, HasSubstr(std::string("<span class=\"flag\">⚑2</span> ") + kFinding))
      << "below the table";
  const std::string detail = html.substr(html.find("id=\"worst-2\""));
  EXPECT_THAT(detail, HasSubstr(std::string("pgd: ") + kFinding));
}

TEST_P(Findings, StandBesideTheNumberInMarkdown) {
  const std::string text = reports::page::report_markdown(run),
                    row = line_with(text, "| at | 87.5");
  EXPECT_THAT(row, HasSubstr("71.0 (68.1 to 73.7) ⚑2 |"));
  EXPECT_THAT(row, HasSubstr("**70.0 (67.1 to 72.8) ⚑2** |"));
  EXPECT_THAT(text, HasSubstr(std::string("\n- ⚑2 ") + kFinding + "\n"));
  EXPECT_EQ(count(line_with(text, "| undefended |"), "⚑"), 0u);
}

TEST_P(Findings, AreInJsonAndCsv) {
  const json report = json::parse(reports::files::report_json(run));
  EXPECT_EQ(report["worst_case"][2]["flags"], json({std::string("pgd: ") + kFinding}));
  EXPECT_TRUE(report["worst_case"][0]["flags"].empty());
  json found = {{"code", "remark"}, {"figures", {{"text", kFinding}}}};
  EXPECT_EQ(report["cells"][7]["findings"], json({found}));
  if (GetParam() == Named::kAsText)
    found["figures"]["text"] = std::string("pgd: ") + kFinding;
  else
    found["where"] = "pgd";
  EXPECT_EQ(report["worst_case"][2]["findings"], json({found}));
  EXPECT_TRUE(reports::files::validate_report(reports::files::report_json(run)).empty());
  EXPECT_EQ(csv_table(reports::files::report_csv(run))[7]["flags"], kFinding);
}

TEST_P(Findings, StandBesideTheNumberInLatex) {
  const reports::Summary summary(run);
  const reports::paper::PaperTable table = reports::paper::accuracy_table(
      summary, without_outcomes(run).outcomes, summary.threats.front());
  EXPECT_THAT(table.rows[2].cells.back(), HasSubstr("70.0"));
  EXPECT_THAT(table.rows[2].cells.back(), HasSubstr("^\\dagger$"));
  EXPECT_THAT(table.rows[0].cells.back(), Not(HasSubstr("^\\dagger$")));
  EXPECT_THAT(table.notes, Contains(HasSubstr("$^\\dagger$: the audit has a finding: ")));
  EXPECT_THAT(table.notes, Contains(HasSubstr(kFinding)));
}

TEST(FindingsOfDifferences, StandBesideThem) {
  results::Store::Run run = compared_run();
  run.cells[0].flags = {results::remark(kFinding)};  // the baseline, under pgd
  EXPECT_THAT(reports::page::report_markdown(run), HasSubstr("| +5.2 (+3.2 to +7.2) ▲ ⚑ |"));
  const auto rows = csv_table(reports::files::differences_csv(run));
  EXPECT_EQ(rows[1].at("flags"), std::string("at under pgd: ") + kFinding);
  EXPECT_EQ(rows[2].at("flags"), "");
  const json report = json::parse(reports::files::report_json(run));
  EXPECT_EQ(report["differences"][1]["flags"].size(), 1u);
  EXPECT_EQ(report["differences"][1]["findings"][0]["where"], "at under pgd");
  EXPECT_TRUE(reports::files::validate_report(report.dump()).empty());
  const reports::Summary summary(run);
  const reports::paper::PaperTable table =
      reports::paper::differences_table(summary, {"linf", "linf", 0.1});
  EXPECT_THAT(table.rows[0].cells[1], HasSubstr("\\dagger"));
}

TEST(FindingsOfCertificates, StandBesideTheAttackedAccuracy) {
  results::Store::Run run = certified_run();
  run.worst_cases[1].flags = {found_in("pgd", results::remark(kFinding))};  // ε = 0.25
  EXPECT_THAT(reports::page::report_markdown(run), HasSubstr("| 80.0 ⚑ |"));
}

TEST(FindingNotes, NumberEqualFindingsAlike) {
  reports::page::FindingNotes notes;
  EXPECT_EQ(notes.mark({}), "");
  EXPECT_EQ(notes.mark({"a"}), "⚑1");
  EXPECT_EQ(notes.mark({"b", "a"}), "⚑1,2");
  EXPECT_EQ(notes.mark({"pgd: a"}, {"fgsm", "pgd"}), "⚑1");
  for (int i = 0; i < 10; ++i) notes.mark({"c" + std::to_string(i)});
  EXPECT_EQ(notes.mark({"d", "a"}), "⚑1,+");
  const reports::page::View view = notes.view();
  ASSERT_EQ(view.size(), 13u);
  EXPECT_EQ(view[1]["finding"], "b");
  EXPECT_EQ(view[12]["finding"], "1 more finding, told under “Audit findings”");
}

TEST(Findings, OfTheWorstCaseAloneAreListed) {
  results::Store::Run run = synthetic_run();
  run.worst_cases[2].flags = {results::remark("pgd left more than fgsm")};
  const std::string text = reports::page::report_markdown(run);
  EXPECT_THAT(text, HasSubstr("| at, worst case, linf, ε = 0.1 | pgd left more than fgsm |"));
}

TEST(WorstCase, SaysWhyItHasNoNumber) {
  results::Store::Run run = synthetic_run();
  run.worst_cases[2] = synthetic_worst_case("at", 0, false);
  run.worst_cases[2].attacks.clear(), run.worst_cases[2].decided_by.clear();
  run.worst_cases[2].samples = 0, run.worst_cases[2].reason = "the columns saw other images";
  EXPECT_THAT(reports::page::report_html(without_outcomes(run)),
              HasSubstr("the columns saw other images"));
  EXPECT_EQ(json::parse(reports::files::report_json(run))["worst_case"][2]["reason"],
            "the columns saw other images");
}

/// Every leaf of a JSON value, as text that a report must hold.
void leaves_of(const json& value, std::vector<std::string>& out) {
  if (value.is_structured())
    for (const auto& [_, inner] : value.items()) leaves_of(inner, out);
  else
    out.push_back(value.is_string() ? value.get<std::string>() : value.dump());
}

// Whatever shape plugins, models and the host give to what was chosen.
TEST(Parameters, AreShownHoweverDeep) {
  int next = 1000;
  const auto leaf = [&] { return next++; };
  const json value = {
      {"attack",
       {{"plugin", "pgd"},
        {"params",
         {{"steps", {{"value", leaf()}, {"default", 10}}},
          {"inner", {{"value", {{"use", "u1001"}, {"params", {{"deep", {{"deeper", leaf()}}}}}}}}},
          {"list", {{"value", {leaf(), leaf()}}}},
          {"plugins", {{"value", {{{"use", "u1004"}, {"sigma", leaf()}}, {{"use", "u1005"}}}}}}}}}},
      {"host", {{"restarts", {{"value", leaf()}, {"default", 1}}}, {"bare", leaf()}}},
      {"defense",
       {{"model", "m1008"},
        {"architecture",
         {{"name", "n1009"}, {"options", {{"bn_eps", {{"value", 0.00100000007}}}}}}},
        {"mean", {0.4913999, 0.4821999}},
        {"normalise", {{"mean", {{"value", {0.5, 0.25}}}, {"std", {leaf(), leaf()}}}}},
        {"stack",
         {{{"use", "s1010"},
           {"params",
            {{"vote", {{"value", "v1011"}}},
             {"a", {{"b", {{"c", {leaf(), {{"d", leaf()}}}}}}}}}}}}}}},
      {"scoring", {{"success", {{"value", "x1012"}, {"default", "any"}}}}},
      {"data", {{"files", {{{"sha256", "y1013"}, {"mode", {{"deepest", leaf()}}}}}}}}};
  results::Store::Run run = empty_run();
  run.cells = {synthetic_cell("at", "pgd", 0.5)};
  run.cells[0].parameters = value.dump();
  std::vector<std::string> leaves;
  leaves_of(value, leaves);
  ASSERT_GT(leaves.size(), 25u);
  for (const auto& [format, text] :
       {std::pair("md", reports::page::report_markdown(run)),
        std::pair("html", reports::page::report_html(without_outcomes(run))),
        std::pair("json", reports::files::report_json(run)),
        std::pair("csv", reports::files::report_csv(run))})
    for (const std::string& one : leaves)
      EXPECT_THAT(text, HasSubstr(one)) << format << " does not show " << one;
}

TEST(Parameters, AreShownOfDefensesThatWereOnlyCertified) {
  results::Store::Run run = certified_run();
  run.certifications[1].parameters = R"({"defense": {"model": "only/certified"}})";
  EXPECT_THAT(reports::page::report_markdown(run), HasSubstr("only/certified"));
}

}  // namespace
}  // namespace gauntlet
