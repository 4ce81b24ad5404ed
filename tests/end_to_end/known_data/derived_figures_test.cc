// Figures of a detector and of a hypocritical attack, from the suite to the report.
#include <nlohmann/json.hpp>

#include "reports/files/json.h"
#include "reports/files/validate.h"
#include "tests/end_to_end/known_data/known_data.h"

namespace gauntlet::testing {
namespace {
using nlohmann::json;

class DerivedFiguresOfASuite : public KnownData {};

// The detector remembers the levels 69, 73, …, 185. Clean images lie one level beside one of these.
// FGSM moves each by 12.75 levels towards the other class: half of them then lie 1.75 levels beside
// one, the other half 0.25.
TEST_F(DerivedFiguresOfASuite, OfADetectorAreThoseCountedByHand) {
  const std::string rows = row("watched", watched(60)) + row("plain");
  for (int time = 0; time < 2; ++time) {  // the second answers from the store
    const auto cells = run_in("run", "fgsm = { use = \"fgsm\" }\n", rows);
    ASSERT_EQ(cells[0].status, results::Status::kOk) << cells[0].reason;
    EXPECT_EQ(summary_.cached, 2 * time);
    ASSERT_TRUE(cells[0].detector);
    const results::DetectorFigures& figures = *cells[0].detector;
    EXPECT_EQ(figures.clean_images, 60);
    EXPECT_EQ(figures.attacked_images, 60);
    EXPECT_DOUBLE_EQ(figures.auc, 0.5);
    ASSERT_EQ(figures.at.size(), 2u);
    EXPECT_EQ(figures.at[0].false_positives, 0) << "one percent of 60 is none";
    EXPECT_LE(figures.at[1].false_positives, 3);
    for (const results::DetectorFigures::At& at : figures.at) {
      EXPECT_EQ(at.true_positives, 30);
      EXPECT_DOUBLE_EQ(at.true_positive_rate, 0.5);
    }
    EXPECT_FALSE(cells[1].detector) << "there is none";
    EXPECT_FALSE(cells[0].hypocritical) << "nor that goal";
  }
}

// With this boundary, at 135.47, the light images 128, 130, 132 and 134 are taken for dark ones.
// Of these, 0.01 of the range turns the last one right, 0.05 all.
TEST_F(DerivedFiguresOfASuite, OfAHypocriticalAttackAreThoseCountedByHand) {
  write_weights(4.25f);
  const std::string attacks =
      "fgsm = { use = \"fgsm\" }\nfriendly = { use = \"fgsm\", goal = \"hypocritical\" }\n";
  const auto large = run_in("large", attacks, row("plain"));
  ASSERT_EQ(large[1].status, results::Status::kOk) << large[1].reason;
  ASSERT_TRUE(large[1].hypocritical);
  EXPECT_EQ(large[1].hypocritical->images, 4);
  EXPECT_DOUBLE_EQ(large[1].hypocritical->risk, 1);
  EXPECT_FALSE(large[0].hypocritical) << "its goal is another";
  epsilon_ = 0.01;
  const auto small = run_in("small", attacks, row("plain"));
  ASSERT_TRUE(small[1].hypocritical);
  EXPECT_EQ(small[1].hypocritical->images, 4);
  EXPECT_DOUBLE_EQ(small[1].hypocritical->risk, 0.25);
  write_weights(4);
  const auto right = run_in("right", attacks, row("plain"));
  EXPECT_FALSE(right[1].hypocritical) << "no image is wrong: absent, not 0";
}

TEST_F(DerivedFiguresOfASuite, AreInTheReport) {
  run_in("run", "fgsm = { use = \"fgsm\" }\n", row("watched", watched(60)));
  const std::string text = reports::files::report_json(
      analysis::latest_run(results::Store(folder_ / "run", results::Store::Access::kRead)));
  EXPECT_TRUE(reports::files::validate_report(text).empty());
  const json cell = json::parse(text)["cells"][0];
  EXPECT_EQ(cell["detector"]["clean_images"], 60);
  EXPECT_EQ(cell["detector"]["auc"], 0.5);
  EXPECT_TRUE(cell["hypocritical_risk"].is_null());
}

}  // namespace
}  // namespace gauntlet::testing
