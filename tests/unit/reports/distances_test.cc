#include "reports/distances.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "page.h"
#include "reports/files/json.h"
#include "reports/files/validate.h"
#include "reports/page/pages.h"
#include "synthetic_run.h"

namespace gauntlet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

/// A cell and its curve: 0.8 right without an attack, 0.6 from 0.025 on, 0.5 from 0.075 on.
void add_curve(results::Store::Run& run, const std::string& defense, const std::string& attack,
               int64_t seed = 0) {
  run.cells.push_back(synthetic_cell(defense, attack, 0.5, seed));
  results::DistanceCurve curve;
  curve.defense = defense, curve.attack = attack;
  curve.threat = run.cells.back().threat, curve.seed = seed;
  curve.samples = 1000;
  curve.steps = {{0, 0.8, 0.77, 0.82}, {0.025, 0.6, 0.57, 0.63}, {0.075, 0.5, 0.47, 0.53}};
  curve.median_low = 0.06;
  curve.optimality = 0.9 + 0.05 * double(seed);
  run.distance_curves.push_back(curve);
}

/// Two attacks on one row; a randomized row without a curve.
results::Store::Run run_of_distances() {
  results::Store::Run run = empty_run();
  add_curve(run, "plain", "ddn");
  add_curve(run, "plain", "fab");
  run.distance_curves[1].median = run.distance_curves[1].median_high = 0.075;
  add_curve(run, "vote", "ddn");
  results::DistanceCurve& none = run.distance_curves.back();
  none.reason = "the defense is randomized", none.steps.clear(), none.samples = 0;
  none.median_low = none.optimality = std::nullopt;
  return run;
}

TEST(DistanceCharts, HaveAViewForEachRowAndALineForEachAttack) {
  const reports::Summary summary(run_of_distances());
  const auto charts = distance_charts(summary);
  ASSERT_EQ(charts.size(), 1u);
  EXPECT_EQ(charts[0].x_title, "epsilon (linf)");
  ASSERT_EQ(charts[0].views.size(), 1u) << "the randomized row has no curve";
  EXPECT_EQ(charts[0].views[0].name, "plain under linf, ε = 0.1");
  ASSERT_EQ(charts[0].views[0].lines.size(), 2u);
  const reports::CurveLine& line = charts[0].views[0].lines[0];
  EXPECT_EQ(line.name, "ddn");
  ASSERT_EQ(line.points.size(), 41u);
  const auto accuracy = [&](size_t i) { return line.points[i].accuracy; };
  EXPECT_EQ(line.points[10].x, 0.025);
  EXPECT_THAT((std::vector<double>{accuracy(0), accuracy(9), accuracy(10), accuracy(29),
                                   accuracy(30), accuracy(40)}),
              ElementsAre(0.8, 0.8, 0.6, 0.6, 0.5, 0.5));
  EXPECT_EQ(line.points[20].low, 0.57);
  EXPECT_EQ(line.points[20].high, 0.63);
}

TEST(DistanceCharts, AreMeansOverSeeds) {
  results::Store::Run run = empty_run();
  for (int64_t seed : {0, 1}) add_curve(run, "plain", "ddn", seed);
  run.distance_curves[1].steps[0].accuracy = 0.6;
  add_curve(run, "once", "ddn", 0);
  const reports::Summary summary(run);
  const auto groups = distance_groups(summary);
  ASSERT_EQ(groups.size(), 1u) << "the other has none under one seed";
  const reports::CurvePoint clean = point_at(groups[0], 0);
  EXPECT_DOUBLE_EQ(clean.accuracy, 0.7);
  EXPECT_NEAR(clean.high - clean.low, 2 * 0.1 * std::sqrt(2), 1e-12);
}

TEST(DistanceReports, ShowAccuracyMedianAndOptimality) {
  const results::Store::Run run = run_of_distances();
  const std::string html = reports::page::report_html(without_outcomes(run)),
                    text = reports::page::report_markdown(run);
  const Page page(html);
  for (const std::string& report : {html, text}) {
    EXPECT_THAT(report, HasSubstr("more than 0.1"));
    EXPECT_THAT(report, HasSubstr("0.075 (0.06 to 0.075)"));
    EXPECT_THAT(report, HasSubstr("90.0"));
    EXPECT_THAT(report, HasSubstr("the defense is randomized"));
  }
  EXPECT_THAT(html, HasSubstr("Accuracy over epsilon (linf), by the distances found"));
  EXPECT_THAT(text, HasSubstr("| plain | fab | 80.0 (77.0 to 82.0) | 60.0 (57.0 to 63.0) |"));
  EXPECT_THAT(reports::page::report_markdown(synthetic_run()), Not(HasSubstr("## Distances")));
  EXPECT_THAT(reports::page::report_html(without_outcomes(synthetic_run())),
              Not(HasSubstr("id=\"distances\"")));
}

TEST(DistanceReports, AreValidAndSayEveryStep) {
  const std::string text = reports::files::report_json(run_of_distances());
  EXPECT_THAT(reports::files::validate_report(text), IsEmpty());
  const auto curves = nlohmann::json::parse(text).at("distance_curves");
  ASSERT_EQ(curves.size(), 3u);
  EXPECT_EQ(curves[0]["steps"].size(), 3u);
  EXPECT_EQ(curves[0]["steps"][1]["epsilon"], 0.025);
  EXPECT_EQ(curves[0]["steps"][1]["robust_accuracy"], 0.6);
  EXPECT_TRUE(curves[0]["median"].is_null());
  EXPECT_EQ(curves[1]["median"], 0.075);
  EXPECT_EQ(curves[0]["optimality"], 0.9);
  EXPECT_TRUE(curves[2]["steps"].empty());
  EXPECT_NE(curves[2]["reason"], "");
}

TEST(DistanceReports, WithoutStepsOrReasonAreNotValid) {
  results::Store::Run run = run_of_distances();
  run.distance_curves[0].steps.clear();
  EXPECT_THAT(reports::files::validate_report(reports::files::report_json(run)), Not(IsEmpty()));
}

}  // namespace
}  // namespace gauntlet
