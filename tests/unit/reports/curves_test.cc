#include "reports/curves.h"

#include <gmock/gmock.h>

#include "synthetic_run.h"

namespace gauntlet {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// A cell whose columns differ in steps and draws and whose rows differ in sigma.
results::CellRecord crossed_cell(const std::string& defense, double sigma,
                                 const std::string& attack, int steps, int draws, double epsilon,
                                 double accuracy) {
  results::CellRecord cell = synthetic_cell(defense, attack, accuracy);
  cell.threat.epsilon = epsilon;
  cell.threat.name = "linf" + std::to_string(epsilon);
  cell.parameters = R"({"attack": {"plugin": "pgd", "params": {"steps": {"value": )" +
                    std::to_string(steps) + R"(, "default": 10}}}, "host": {"draws": {"value": )" +
                    std::to_string(draws) + R"(, "default": 1}}, "defense": {"model": "at",
                    "stack": [{"plugin": "smoothing", "params": {"sigma": {"value": )" +
                    std::to_string(sigma) + "}}}]}}";
  cell.ledger.forwards = int64_t(steps) * draws * cell.samples;
  return cell;
}

const reports::CurveChart* chart_over(const std::vector<reports::CurveChart>& charts,
                                      const std::string& x) {
  for (const reports::CurveChart& chart : charts)
    if (chart.x_title == x) return &chart;
  return nullptr;
}

std::vector<double> xs(const reports::CurveLine& line) {
  std::vector<double> values;
  for (const reports::CurvePoint& point : line.points) values.push_back(point.x);
  return values;
}

results::Store::Run crossed_run() {
  results::Store::Run run = empty_run();
  for (const double sigma : {0.3, 0.1, 0.2})
    for (const auto& [steps, draws] : {std::pair{70, 1}, {7, 1}, {700, 1}, {7, 4}, {7, 16}}) {
      const std::string attack = "pgd[steps=" + std::to_string(steps) +
                                 (draws == 1 ? "]" : ",draws=" + std::to_string(draws) + "]");
      run.cells.push_back(crossed_cell("vote, σ = " + std::to_string(sigma).substr(0, 3), sigma,
                                       attack, steps, draws, 0.1, 0.5 + sigma / steps));
    }
  return run;
}

TEST(NameOfFamily, KeepsWhatNamesShareAndNoPartOfANumber) {
  EXPECT_EQ(reports::name_of_family({"pgd[steps=7]", "pgd[steps=17]", "pgd[steps=70]"}),
            "pgd[steps=…]");
  EXPECT_EQ(reports::name_of_family({"a[k=1,n=4]", "a[k=10,n=4]"}), "a[k=…,n=4]");
  EXPECT_EQ(reports::name_of_family({"σ = 0.06", "σ = 0.09"}), "σ = …");
  EXPECT_EQ(reports::name_of_family({"ε", "σ"}), "…") << "not half a character";
  EXPECT_EQ(reports::name_of_family({"alone"}), "alone");
  EXPECT_EQ(reports::name_of_family({"same", "same"}), "same…") << "nothing of it twice";
}

TEST(Curves, JoinRowsAndColumnsThatDifferInOneNumber) {
  const reports::Summary summary(crossed_run());
  const auto charts = curves_of(summary);
  const reports::CurveChart* steps = chart_over(charts, "steps");
  ASSERT_TRUE(steps);
  EXPECT_TRUE(steps->log_x) << "from 7 to 700";
  ASSERT_EQ(steps->views.size(), 1u) << "with one draw";
  EXPECT_EQ(steps->views[0].name, "pgd[steps=…]");
  ASSERT_EQ(steps->views[0].lines.size(), 3u) << "one a row";
  EXPECT_THAT(xs(steps->views[0].lines[0]), ElementsAre(7, 70, 700));
  EXPECT_DOUBLE_EQ(steps->views[0].lines[0].points[1].accuracy, 0.5 + 0.3 / 70);

  const reports::CurveChart* draws = chart_over(charts, "draws");
  ASSERT_TRUE(draws);
  EXPECT_FALSE(draws->log_x);
  EXPECT_THAT(xs(draws->views.at(0).lines.at(0)), ElementsAre(1, 4, 16));

  const reports::CurveChart* sigma = chart_over(charts, "sigma");
  ASSERT_TRUE(sigma);
  ASSERT_EQ(sigma->views.size(), 5u) << "one a column; no worst case was computed";
  ASSERT_EQ(sigma->views[0].lines.size(), 1u);
  EXPECT_EQ(sigma->views[0].lines[0].name, "vote, σ = …");
  EXPECT_THAT(xs(sigma->views[0].lines[0]), ElementsAre(0.1, 0.2, 0.3));

  const reports::CurveChart* passes = chart_over(charts, "passes requested, an image");
  ASSERT_TRUE(passes);
  ASSERT_EQ(passes->views.size(), 3u) << "one a row";
  ASSERT_EQ(passes->views[0].lines.size(), 2u) << "steps and draws against each other";
  EXPECT_THAT(xs(passes->views[0].lines[1]), ElementsAre(7, 28, 112)) << "k · n of draws";
  EXPECT_THAT(xs(passes->views[0].lines[0]), ElementsAre(7, 70, 700)) << "of steps";
}

TEST(Curves, LeaveOutWhatHasNoResult) {
  results::Store::Run run = crossed_run();
  run.cells[0].status = results::Status::kInvalid;  // 70 steps of the first row
  const reports::Summary summary(run);
  const auto charts = curves_of(summary);
  EXPECT_THAT(xs(chart_over(charts, "steps")->views[0].lines[0]), ElementsAre(7, 700));
}

TEST(Curves, OverEpsilonBeginWithoutAnAttack) {
  results::Store::Run run = empty_run();
  for (const double epsilon : {0.2, 0.1}) {
    run.cells.push_back(crossed_cell("at", 0, "pgd", 7, 1, epsilon, 0.6 - epsilon));
    results::WorstCase worst = synthetic_worst_case("at", 0.6 - epsilon, epsilon == 0.1);
    worst.threat = run.cells.back().threat;
    run.worst_cases.push_back(worst);
  }
  const reports::Summary summary(run);
  const auto charts = curves_of(summary);
  ASSERT_EQ(charts.size(), 1u);
  EXPECT_EQ(charts[0].x_title, "epsilon (linf)");
  ASSERT_EQ(charts[0].views.size(), 2u);
  EXPECT_EQ(charts[0].views[0].name, "worst case");
  const reports::CurveLine& line = charts[0].views[0].lines.at(0);
  EXPECT_THAT(xs(line), ElementsAre(0, 0.1, 0.2));
  EXPECT_EQ(line.points[0].accuracy, 0.875) << "the clean accuracy";
  EXPECT_FALSE(line.points[1].upper_bound);
  EXPECT_TRUE(line.points[2].upper_bound);
}

TEST(Curves, OfTwoRowsOrOfOtherDifferencesAreNone) {
  results::Store::Run run = empty_run();
  run.cells = {crossed_cell("a", 0.1, "pgd", 7, 1, 0.1, 0.5),
               crossed_cell("b", 0.2, "pgd", 7, 1, 0.1, 0.5),
               crossed_cell("c", 0.1, "other", 7, 2, 0.1, 0.5)};
  const reports::Summary summary(run);
  EXPECT_THAT(curves_of(summary), IsEmpty());
}

}  // namespace
}  // namespace gauntlet
