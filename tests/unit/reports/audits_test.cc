#include "reports/audits.h"

#include <gmock/gmock.h>

#include "page.h"
#include "reports/files/json.h"
#include "reports/files/validate.h"
#include "reports/page/pages.h"
#include "reports/terminal.h"
#include "synthetic_run.h"

namespace gauntlet {
namespace {

using results::Check;
using results::Level;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

Check audited(const std::string& code, Level level) {
  return {{code,
           {{"attack", "pgd"},
            {"accuracy", 0.9},
            {"other", "noise <b>"},
            {"other_accuracy", 0.5},
            {"case", "records"},
            {"samples", int64_t{3}},
            {"of", int64_t{900}}}},
          level};
}

results::RowAudit audit_of(const std::string& defense, std::vector<Check> checks) {
  results::RowAudit out;
  out.identity = "audit-" + defense, out.fingerprint = "f00d";
  out.suite = "synthetic", out.defense = defense, out.threat = {"linf", "linf", 0.1};
  out.checks = std::move(checks);
  return out;
}

// One row passes, one fails, of one nothing could be checked.
results::Store::Run audited_run() {
  results::Store::Run run = synthetic_run();
  run.audits = {audit_of("undefended", {audited("gradients_vanish", Level::kPass),
                                        audited("black_box", Level::kPass)}),
                audit_of("smoothing, \"soft\"", {}),
                audit_of("at", {audited("gradients_vanish", Level::kPass),
                                audited("single_step", Level::kWarn),
                                audited("random_noise", Level::kFail)})};
  run.audits[1].reason = "no attack with a result followed gradients";
  run.audits[2].samples = 200;
  return run;
}

TEST(Audits, AreALineForEachAlarmAtTheTerminal) {
  const std::string text = reports::alarms_text(audited_run().audits);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 5) << text;
  EXPECT_THAT(text, HasSubstr("  at  FAIL  random_noise: pgd leaves 90.0 %, noise <b>, without an "
                              "attacker, 50.0 %"));
  EXPECT_LT(text.find("FAIL"), text.find("WARN")) << "the worst comes first";
  EXPECT_THAT(text, HasSubstr("  3 of 5 checks passed\n"));
  EXPECT_EQ(reports::alarms_text({}), "");
}

TEST(Audits, AreToldInFullWithAdvice) {
  const std::string text = reports::audits_text(audited_run().audits);
  EXPECT_THAT(text,
              HasSubstr("PASS  gradients_vanish: every gradient was exactly 0 for at most 3"));
  EXPECT_THAT(text, HasSubstr("→ run pgd with more steps"));
  EXPECT_THAT(text, HasSubstr("smoothing, \"soft\": no attack with a result"));
}

TEST(Audits, AreInTheReportsAndMarkTheWorstCase) {
  const results::Store::Run run = audited_run();
  const std::string markdown = reports::page::report_markdown(run);
  EXPECT_THAT(markdown, HasSubstr("## Audit\n"));
  EXPECT_THAT(markdown, HasSubstr("| at | random\\_noise | **FAIL** |"));
  EXPECT_THAT(markdown, HasSubstr("**70.0 (67.1 to 72.8) FAIL**"));
  const std::string html = reports::page::report_html(without_outcomes(run));
  const Page page(html);
  const auto failed = page.of_class("small", "failed");
  ASSERT_EQ(failed.size(), 1u);
  EXPECT_EQ(failed[0].text, "FAIL");
  EXPECT_THAT(html, HasSubstr("<h2>Audit</h2>"));
  EXPECT_THAT(html, HasSubstr("✓ gradients_vanish"));
  EXPECT_THAT(html, Not(HasSubstr("noise <b>")));
  EXPECT_THAT(reports::page::report_html(without_outcomes(synthetic_run())),
              Not(HasSubstr("<h2>Audit</h2>")));
}

TEST(Audits, AreInTheJsonAsItsSchemaSays) {
  const std::string text = reports::files::report_json(audited_run());
  EXPECT_THAT(reports::files::validate_report(text), IsEmpty());
  const auto report = nlohmann::json::parse(text);
  ASSERT_EQ(report["audits"].size(), 3);
  EXPECT_EQ(report["audits"][0]["level"], "pass");
  EXPECT_TRUE(report["audits"][1]["level"].is_null());
  EXPECT_EQ(report["audits"][2]["level"], "fail");
  EXPECT_EQ(report["audits"][2]["samples"], 200);
  EXPECT_EQ(report["audits"][2]["checks"][1]["level"], "warn");
  const auto rows = reports::audits_json(audited_run().audits)["rows"];
  ASSERT_EQ(rows.size(), 3);
  EXPECT_EQ(rows[2]["threat"], "linf");
  EXPECT_EQ(rows[2]["checks"][2]["code"], "random_noise");
  EXPECT_NE(rows[2]["checks"][2]["advice"], "");
}

TEST(Audits, TellWhatFindingsOfCellsTellOnce) {
  results::Store::Run run = synthetic_run();
  run.cells[1].flags = {{"zero_gradients", {{"samples", int64_t{9}}, {"of", int64_t{10}}}},
                        {"refuted", {{"hits", int64_t{2}}}}};
  EXPECT_THAT(reports::findings_text(run), HasSubstr("every gradient was exactly 0"));
  run.audits = audited_run().audits;
  EXPECT_THAT(reports::findings_text(run), Not(HasSubstr("every gradient was exactly 0")));
  EXPECT_THAT(reports::findings_text(run), HasSubstr("2 hits seen"));
  run.cells[1].defense = "another row";
  EXPECT_THAT(reports::findings_text(run), HasSubstr("every gradient was exactly 0"));
}

}  // namespace
}  // namespace gauntlet
