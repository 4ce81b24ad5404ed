#include "reports/drawing/plot.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "reports/page/pages.h"
#include "synthetic_run.h"

namespace gauntlet {
namespace {
using Marks = std::vector<double>;

size_t count(const std::string& text, const std::string& part) {
  size_t found = 0;
  for (size_t at = 0; (at = text.find(part, at)) != std::string::npos; ++at) ++found;
  return found;
}

TEST(Ticks, AreRoundAndHoldTheData) {
  EXPECT_EQ(reports::ticks(0, 10, 5), (Marks{0, 2, 4, 6, 8, 10}));
  EXPECT_EQ(reports::ticks(1, 3, 4), (Marks{1, 1.5, 2, 2.5, 3}));
  EXPECT_EQ(reports::ticks(-7.2, 1.1, 5), (Marks{-8, -6, -4, -2, 0, 2}));
  for (const auto& [low, high] : {std::pair{0.0312, 0.0314}, {3e7, 9.1e8}, {-1e-9, 1e-9}}) {
    const Marks marks = reports::ticks(low, high, 5);
    EXPECT_LE(marks.front(), low + 1e-9 * (high - low));
    EXPECT_GE(marks.back(), high - 1e-9 * (high - low));
    EXPECT_LE(marks.size(), 8u);
  }
  EXPECT_GE(reports::ticks(4, 4, 5).size(), 2u);  // one value is a line in the middle
  EXPECT_LE(reports::ticks(2.3, std::nextafter(2.3, 3.0), 5).size(), 1001u);
}

TEST(Plot, DrawsEachSeriesAndLeavesGapsWhereNothingIs) {
  const double none = std::numeric_limits<double>::quiet_NaN();
  const reports::Panel panel{"y",
                             {{"a", {{0, 0}, {1, 1}, {2, none}, {3, 1}, {4, 0}}}, {"b", {{0, 1}}}}};
  const std::string svg = reports::plot_svg("x", {panel}, false);
  EXPECT_EQ(count(svg, "<title>"), 2u);
  EXPECT_EQ(count(svg, "<circle"), 1u);  // a single point has no line
  const size_t at = svg.find("<path class=\"line\"");
  const std::string first = svg.substr(at, svg.find("</path>", at) - at);
  EXPECT_EQ(count(first, "M"), 2u) << first;  // two strokes
  EXPECT_EQ(count(first, "L"), 2u) << first;
  EXPECT_EQ(count(svg, "nan"), 0u);
}

TEST(Plot, GivesANameOneColourInAllPanels) {
  const reports::Series a{"a", {{0, 0}, {1, 1}}}, b{"b", {{0, 1}, {1, 0}}},
      limit{"limit", {{0, 2}, {1, 2}}, /*reference=*/true};
  const std::string svg = reports::plot_svg("x", {{"y", {a, b}}, {"z", {b, limit}}}, false);
  const auto stroke_of = [&](const std::string& name, size_t from) {
    const size_t at = svg.find("stroke=\"", svg.find("<title>" + name, from));
    return svg.substr(at, svg.find('"', at + 8) - at);
  };
  const size_t second = svg.find(">z<");
  EXPECT_EQ(stroke_of("b", 0), stroke_of("b", second));
  EXPECT_NE(stroke_of("a", 0), stroke_of("b", 0));
  EXPECT_EQ(count(svg, ">limit<"), 1u);  // its title; the legend has a and b
  EXPECT_EQ(count(svg, ">b<"), 3u);
  EXPECT_EQ(count(svg, "stroke-dasharray"), 1u);
}

TEST(Plot, KeepsNamesInert) {
  const std::string svg = reports::plot_svg("<x>", {{"a & b", {{"\"<script>", {{0, 0}}}}}}, true);
  EXPECT_EQ(count(svg, "<script>"), 0u);
  EXPECT_EQ(count(svg, "&lt;x&gt;"), 1u);
  EXPECT_EQ(count(svg, "a &amp; b"), 1u);
}

TEST(Plot, NothingToDrawIsAnEmptyFrame) {
  EXPECT_EQ(count(reports::plot_svg("x", {{"y", {}}}, true), "class=\"line\""), 0u);
}

TEST(ReportHtml, DrawsTheTrainingOfItsNetworks) {
  const std::string page = reports::page::report_html(without_outcomes(synthetic_run()));
  EXPECT_EQ(count(page, "<svg class=\"plot\""), 1u);
  EXPECT_EQ(count(page, "synthetic/&lt;at&gt;"), 1u);
  EXPECT_EQ(count(page, ">training loss<"), 1u);
  EXPECT_EQ(count(page, ">validation<"), 1u);
  EXPECT_EQ(count(page, "training_logs"), 0u);  // drawn, not listed
}

}  // namespace
}  // namespace gauntlet
