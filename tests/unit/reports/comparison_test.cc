#include "reports/page/comparison.h"

#include <gmock/gmock.h>

#include "page.h"

namespace gauntlet {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const char* const kAwkward = "<script>alert(1)</script> | \"at\"";

analysis::ComparedCell cell_of(const std::string& defense, double a, double b, double p) {
  analysis::ComparedCell cell;
  cell.defense = defense, cell.attack = "pgd", cell.threat = {"linf", "linf", 8.0 / 255};
  cell.samples = 1000;
  cell.a = a, cell.b = b, cell.worse = 60, cell.better = 20;
  cell.interval = {b - a - 0.01, b - a + 0.01, 0.95, "image", "bootstrap over images"};
  cell.p = cell.p_adjusted = p, cell.test = "McNemar exact";
  return cell;
}

class ComparisonPages : public ::testing::Test {
 protected:
  ComparisonPages() {
    comparison_.cells = {cell_of(kAwkward, 0.5, 0.46, 1e-6), cell_of("trades", 0.4, 0.401, 0.7)};
    analysis::ComparedCell lost = cell_of("cni", 0.987, 0.987, 1);
    lost.problem = "B: error: out of memory", lost.lost = true, lost.samples = 0;
    comparison_.cells.push_back(lost);
    comparison_.changes = {{{"seeds", "[0]", "[1]"}, 0},
                           {{"attack.params.steps", "7", std::string(70, '9')}, 2},
                           {{"libtorch", "", "\"2.11.0\""}, 1}};
    run_.suite = "synthetic", run_.started = "2026-01-31T11:59:00Z", run_.complete = true;
  }
  reports::page::ComparisonPage page(std::optional<double> gate = {}) const {
    return {comparison_, run_, run_, "runs/a", "runs/b", gate};
  }

  analysis::Comparison comparison_;
  results::Store::Run run_;
};

TEST_F(ComparisonPages, HtmlIsWholeAndLoadsNothing) {
  const std::string html = comparison_html(page(1.0));
  const Page read(html);  // throws where a tag is not closed
  EXPECT_THAT(html, Not(HasSubstr("<script>alert")));
  EXPECT_THAT(html, HasSubstr("&lt;script&gt;alert(1)"));
  for (const char* request : {"://", "url(", "@import", " src="})
    EXPECT_EQ(html.find(request), std::string::npos) << request;
  EXPECT_EQ(read.of_class("td", "worse").size() + read.of_class("td", "better").size(), 1u);
  EXPECT_EQ(read.of_class("b", "cut").size(), 1u) << "beyond the gate";
  EXPECT_THAT(html, Not(HasSubstr("98.7"))) << "of a cell without a result";
}

TEST_F(ComparisonPages, WithoutAGateNothingIsRefused) {
  const std::string html = comparison_html(page());
  EXPECT_TRUE(Page(html).of_class("b", "cut").empty());
  EXPECT_THAT(html, Not(HasSubstr("Gate of")));
}

TEST_F(ComparisonPages, MarkdownSaysTheSame) {
  const std::string text = comparison_markdown(page(1.0));
  EXPECT_THAT(text, HasSubstr("2 cells compared, 1 differs with significance, 1 lost in B. Gate of "
                              "1 points: 2 cells beyond it."));
  EXPECT_THAT(text,
              HasSubstr("| ▼ ✗ | &lt;script\\>alert(1)&lt;/script\\> \\| \"at\" | pgd | linf, "
                        "ε = 8/255 | 50.0 | 46.0 | **−4.0** (−5.0 to −3.0) | 1,000 | "
                        "60 / 20 | &lt;0.0001 | &lt;0.0001 |"));
  EXPECT_THAT(text, HasSubstr("cni × pgd (linf, ε = 8/255) | B: error: out of memory |"));
  EXPECT_THAT(text, HasSubstr("| seeds | \\[0\\] | \\[1\\] | the run |"));
  EXPECT_THAT(text, HasSubstr("| libtorch | — | \"2.11.0\" | 1 |"));
  EXPECT_THAT(text, HasSubstr("| 7 | " + std::string(60, '9') + "… | 2 |"));
  EXPECT_THAT(text, Not(HasSubstr("98.7")));
}

TEST_F(ComparisonPages, TextShowsWhatDiffersUnlessAllIsAsked) {
  const std::string text = comparison_text(page(1.0), false);
  EXPECT_THAT(text, HasSubstr("✗ " + std::string(kAwkward) +
                              " × pgd (linf, ε = 8/255): 50.0 → 46.0, −4.0 (−5.0 to −3.0), p "
                              "<0.0001 (<0.0001 by Holm)\n"));
  EXPECT_THAT(text, HasSubstr("✗ cni × pgd (linf, ε = 8/255): not compared, B: error"));
  EXPECT_THAT(text, Not(HasSubstr("trades")));
  EXPECT_THAT(comparison_text(page(), true), HasSubstr("  trades × pgd"));
  EXPECT_THAT(text, HasSubstr("  attack.params.steps: 7 → 9"));
}

TEST_F(ComparisonPages, OfEqualRunsIsShort) {
  comparison_.cells.resize(0);
  comparison_.changes.clear();
  EXPECT_THAT(comparison_text(page(), false),
              HasSubstr("0 cells compared, none differs with significance.\nNothing changed"));
  EXPECT_THAT(comparison_markdown(page()), HasSubstr("Nothing: settings"));
  EXPECT_NO_THROW(Page(comparison_html(page())));
}

}  // namespace
}  // namespace gauntlet
