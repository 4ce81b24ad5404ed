// Figures of detectors and of hypocritical attacks, in every report.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "csv_table.h"
#include "page.h"
#include "reports/files/csv.h"
#include "reports/files/json.h"
#include "reports/files/validate.h"
#include "reports/page/pages.h"
#include "reports/terminal.h"
#include "synthetic_run.h"

namespace gauntlet {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

/// A detector under pgd, a hypocritical attack, and a cell that has neither.
results::Store::Run run_of_figures() {
  results::Store::Run run = empty_run();
  run.cells = {synthetic_cell("watched", "pgd", 0.5), synthetic_cell("plain", "friendly", 0.75),
               synthetic_cell("plain", "pgd", 0.25)};
  results::DetectorFigures detector;
  detector.clean_images = 1000, detector.attacked_images = 640, detector.auc = 0.875;
  detector.at = {{0.01, 9, 80, 0.125, {0.1, 0.15, 0.95, "image", "Wilson"}},
                 {0.05, 50, 320, 0.5, {0.46, 0.54, 0.95, "image", "Wilson"}}};
  run.cells[0].detector = detector;
  run.cells[1].hypocritical =
      results::HypocriticalRisk{125, 0.75, {0.67, 0.82, 0.95, "image", "Wilson"}};
  return run;
}

TEST(DerivedFigures, AreDataOfTheCell) {
  const std::string text = reports::files::report_json(run_of_figures());
  EXPECT_THAT(reports::files::validate_report(text), IsEmpty());
  const json cells = json::parse(text)["cells"];
  const json& detector = cells[0]["detector"];
  EXPECT_EQ(detector["clean_images"], 1000);
  EXPECT_EQ(detector["attacked_images"], 640);
  EXPECT_EQ(detector["auc"], 0.875);
  ASSERT_EQ(detector["at"].size(), 2u);
  EXPECT_EQ(detector["at"][0]["false_positive_rate"], 0.01);
  EXPECT_EQ(detector["at"][0]["false_positives"], 9);
  EXPECT_EQ(detector["at"][1]["true_positives"], 320);
  EXPECT_EQ(detector["at"][1]["true_positive_rate"], 0.5);
  EXPECT_EQ(detector["at"][1]["interval"]["high"], 0.54);
  EXPECT_EQ(cells[1]["hypocritical_risk"]["images"], 125);
  EXPECT_EQ(cells[1]["hypocritical_risk"]["risk"], 0.75);
  EXPECT_EQ(cells[1]["hypocritical_risk"]["interval"]["low"], 0.67);
  for (const char* name : {"detector", "hypocritical_risk"})
    EXPECT_TRUE(cells[2][name].is_null()) << "absent, not 0";
}

TEST(DerivedFigures, OfCellsWithoutAResultAreNotShown) {
  results::Store::Run run = run_of_figures();
  for (results::CellRecord& cell : run.cells)
    cell.status = results::Status::kInvalid, cell.reason = "it left the ball";
  const std::string text = reports::files::report_json(run);
  EXPECT_THAT(reports::files::validate_report(text), IsEmpty());
  for (const json& cell : json::parse(text)["cells"]) {
    EXPECT_TRUE(cell["detector"].is_null());
    EXPECT_TRUE(cell["hypocritical_risk"].is_null());
  }
  EXPECT_THAT(reports::page::report_markdown(run), Not(HasSubstr("## Detectors")));
  EXPECT_THAT(reports::summary_table(run), Not(HasSubstr("AUC")));
  EXPECT_EQ(csv_table(reports::files::report_csv(run))[0].at("detector_auc"), "");
}

TEST(DerivedFigures, AreColumnsOfTheTable) {
  const auto rows = csv_table(reports::files::report_csv(run_of_figures()));
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0].at("detector_clean"), "1000");
  EXPECT_EQ(rows[0].at("detector_attacked"), "640");
  EXPECT_EQ(rows[0].at("detector_auc"), "0.875");
  EXPECT_EQ(rows[0].at("detector_tpr_1"), "0.125");
  EXPECT_EQ(rows[0].at("detector_tpr_1_high"), "0.15");
  EXPECT_EQ(rows[0].at("detector_tpr_5_low"), "0.46");
  EXPECT_EQ(rows[0].at("hypocritical_risk"), "");
  EXPECT_EQ(rows[1].at("detector_auc"), "");
  EXPECT_EQ(rows[1].at("hypocritical_images"), "125");
  EXPECT_EQ(rows[1].at("hypocritical_risk"), "0.75");
  EXPECT_EQ(rows[1].at("hypocritical_risk_high"), "0.82");
  EXPECT_EQ(rows[2].at("detector_auc"), "");
  EXPECT_EQ(rows[2].at("hypocritical_risk"), "");
}

TEST(DerivedFigures, AreReadInTextAndPage) {
  const results::Store::Run run = run_of_figures();
  const std::string text = reports::page::report_markdown(run);
  EXPECT_THAT(text, HasSubstr("| watched | pgd | linf, ε = 0.1 | 0.875 | 12.5 (10.0 to 15.0) [9] | "
                              "50.0 (46.0 to 54.0) [50] | 1,000 | 640 |"));
  EXPECT_THAT(text, HasSubstr("| plain | friendly | linf, ε = 0.1 | 75.0 (67.0 to 82.0) | 125 |"));
  const std::string html = reports::page::report_html(without_outcomes(run));
  const Page page(html);
  EXPECT_THAT(html, HasSubstr("id=\"detectors\""));
  EXPECT_THAT(html, HasSubstr("id=\"risks\""));
  EXPECT_THAT(html, HasSubstr("detected at 5 %"));
  EXPECT_THAT(reports::page::report_markdown(synthetic_run()), Not(HasSubstr("## Hypocritical")));
  const std::string terminal = reports::summary_table(run);
  EXPECT_THAT(terminal, HasSubstr("87.5    12.5    50.0")) << terminal;
  EXPECT_THAT(terminal, HasSubstr("hypocritical risk"));
}

}  // namespace
}  // namespace gauntlet
