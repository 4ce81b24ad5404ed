// What reports call a threat.
#include <gtest/gtest.h>

#include "reports/paper/paper.h"
#include "reports/summary.h"

namespace gauntlet::reports {
namespace {

TEST(ThreatTitles, HaveTheUnitOfEpsilon) {
  EXPECT_EQ(title_of({"linf", "linf", 8. / 255}), "linf, ε = 8/255");
  EXPECT_EQ(title_of({"few", "l0", 20}), "few: l0, ε = 20 pixels");
  EXPECT_EQ(title_of({"rotation", "rotation", 30}), "rotation, ε = 30 degrees");
  EXPECT_EQ(title_of({"all", "unbounded", 1}), "all: unbounded");
  EXPECT_EQ(title_of({"other", "a word of a file", 3}), "other: a word of a file, ε = 3");
}

TEST(ThreatTitles, HaveItInPapers) {
  EXPECT_EQ(paper::latex_title({"few", "l0", 20}), "few ($\\ell_0$, $\\varepsilon = 20$ pixels)");
  EXPECT_EQ(paper::latex_title({"linf", "linf", 0.1}), "$\\ell_\\infty$, $\\varepsilon = 0.1$");
  EXPECT_EQ(paper::latex_title({"unbounded", "unbounded", 1}), "unbounded");
}

}  // namespace
}  // namespace gauntlet::reports
