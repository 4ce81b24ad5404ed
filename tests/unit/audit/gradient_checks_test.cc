#include <gmock/gmock.h>

#include "audit/row_checks.h"
#include "row_examples.h"

namespace gauntlet {
namespace {

using results::Check;
using results::Finding;
using results::Level;

std::map<std::string, Level> levels(const std::vector<Planned>& plans) {
  std::vector<results::CellRecord> cells;
  for (const Planned& plan : plans) cells.push_back(cell_of(plan));
  std::map<std::string, Level> out;
  for (const Check& check : audit::checks_of_row(cells)) out[check.finding.code] = check.level;
  return out;
}

Planned flagged(int64_t right, const Finding& flag) {
  Planned out{"pgd", "pgd", right, 10};
  out.flags = {flag};
  return out;
}

TEST(GradientChecks, PassWhereNothingWasFound) {
  const auto found = levels({{"pgd", "pgd", 100, 10}});
  for (const char* code : {"gradients_vanish", "gradients_saturate", "gradients_not_finite",
                           "box_edge", "unchanged_inputs"})
    EXPECT_EQ(found.at(code), Level::kPass) << code;
  EXPECT_TRUE(levels({{"noise", "random_noise", 150, 0, 1, false}}).empty());
}

TEST(GradientChecks, EachFindingOfACellHasItsLevels) {
  struct Case {
    std::string code, finding;
    int64_t samples;
    Level level;
  };
  for (const Case& one :
       std::vector<Case>{{"gradients_vanish", "zero_gradients", 1, Level::kPass},
                         {"gradients_vanish", "zero_gradients", 10, Level::kWarn},
                         {"gradients_vanish", "zero_gradients", 150, Level::kFail},
                         {"gradients_saturate", "saturated_reported", 1, Level::kPass},
                         {"gradients_saturate", "saturated_reported", 10, Level::kWarn},
                         {"gradients_saturate", "saturated", 150, Level::kFail},
                         {"gradients_not_finite", "not_finite", 1, Level::kWarn},
                         {"gradients_not_finite", "not_finite", 150, Level::kFail},
                         {"box_edge", "masked_bounds", 1, Level::kPass},
                         {"box_edge", "masked_bounds_reported", 20, Level::kWarn},
                         {"box_edge", "masked_bounds", 150, Level::kFail},
                         {"unchanged_inputs", "unchanged", 1, Level::kPass},
                         {"unchanged_inputs", "unchanged", 20, Level::kWarn},
                         {"unchanged_inputs", "unchanged", 150, Level::kFail}}) {
    const auto found =
        levels({flagged(180, {one.finding, {{"samples", one.samples}, {"of", int64_t{200}}}})});
    EXPECT_EQ(found.at(one.code), one.level) << one.finding << " " << one.samples;
    for (const auto& [code, level] : found) {
      if (code == one.code) continue;
      EXPECT_EQ(level, Level::kPass) << code << " of " << one.finding;
    }
  }
}

TEST(GradientChecks, AreNoAlarmWhereARetryHelped) {
  const Finding helped{"saturated",
                       {{"samples", int64_t{190}},
                        {"of", int64_t{200}},
                        {"again", int64_t{190}},
                        {"fell", int64_t{190}}}};
  EXPECT_EQ(levels({flagged(10, helped)}).at("gradients_saturate"), Level::kPass);
  EXPECT_EQ(
      levels({flagged(0, {"zero_gradients", {{"samples", int64_t{200}}, {"of", int64_t{200}}}})})
          .at("gradients_vanish"),
      Level::kPass)
      << "none of these withstood";
}

TEST(GradientChecks, DoNotFailARowThatAnotherAttackBreaks) {
  const Finding zero{"zero_gradients", {{"samples", int64_t{180}}, {"of", int64_t{200}}}};
  Planned other{"cw", "cw", 20, 10};
  EXPECT_EQ(levels({flagged(180, zero), other}).at("gradients_vanish"), Level::kWarn);
  other.right = 1;
  EXPECT_EQ(levels({flagged(180, zero), other}).at("gradients_vanish"), Level::kPass)
      << "of 200 one is at stake";
}

Check vanishing(const std::vector<results::CellRecord>& cells) {
  for (const Check& check : audit::checks_of_row(cells))
    if (check.finding.code == "gradients_vanish") return check;
  ADD_FAILURE() << "no check of gradients that vanish";
  return {};
}

// Zero gradients for so many of the first 50 images, the only ones that it saw.
results::CellRecord of_fifty(int64_t zero) {
  results::CellRecord cell =
      cell_of(flagged(50, {"zero_gradients", {{"samples", zero}, {"of", int64_t{50}}}}));
  cell.outcomes.resize(50), cell.samples = 50;
  return cell;
}

// Breaks the first so many of 200 images.
results::CellRecord that_breaks(int64_t first) {
  results::CellRecord cell = cell_of({"cw", "cw", 200 - first, 10});
  for (results::Outcome& one : cell.outcomes)
    one.robust_right = one.index < first ? 0 : cell.trials;
  return cell;
}

TEST(GradientChecks, CountOnlyImagesThatTheirColumnSaw) {
  EXPECT_EQ(vanishing({of_fifty(45), that_breaks(50)}).level, Level::kPass)
      << "150 images stand, none of them among these";
  EXPECT_EQ(vanishing({of_fifty(45), that_breaks(40)}).level, Level::kWarn) << "10 of 50";
  EXPECT_EQ(vanishing({of_fifty(45), that_breaks(0)}).level, Level::kFail) << "45 of 50";
  results::CellRecord wrong = of_fifty(45), other = that_breaks(0);
  for (results::CellRecord* cell : {&wrong, &other})
    for (size_t i = 0; i < 40; ++i) cell->outcomes[i].clean_right = 0;
  EXPECT_EQ(vanishing({wrong, other}).finding.figures.at("of"), results::Figure(int64_t{10}));
}

TEST(GradientChecks, TellOfTheColumnThatTheRowHangsOn) {
  Planned all = flagged(200, {"zero_gradients", {{"samples", int64_t{150}}, {"of", int64_t{200}}}});
  all.name = "all";
  const Check found = vanishing({of_fifty(50), cell_of(all), that_breaks(50)});
  EXPECT_EQ(found.level, Level::kFail);
  EXPECT_EQ(sentence(found),
            "all: every gradient was exactly 0 for 150 of 200 attacked images that withstood");
}

// Of 200 images 156 are right without an attack; of the 44 others it makes the first so many right.
results::CellRecord hypocritical(int64_t brought_back, const Finding& flag) {
  Planned plan = flagged(156 + brought_back, flag);
  plan.goal = "hypocritical";
  results::CellRecord cell = cell_of(plan);
  for (results::Outcome& one : cell.outcomes) one.clean_right = one.index < 156 ? cell.trials : 0;
  return cell;
}

TEST(GradientChecks, OfAttacksThatMakeAnswersRightCountImagesThatAreWrong) {
  const auto unchanged = [](const std::vector<results::CellRecord>& cells) {
    for (const Check& check : audit::checks_of_row(cells))
      if (check.finding.code == "unchanged_inputs") return check;
    ADD_FAILURE() << "no check of inputs";
    return Check{};
  };
  const auto flag = [](int64_t samples) {
    return Finding{"unchanged", {{"samples", samples}, {"of", int64_t{44}}}};
  };
  const Check none = unchanged({hypocritical(0, flag(44))});
  EXPECT_EQ(none.level, Level::kFail);
  EXPECT_EQ(none.finding.figures.at("samples"), results::Figure(int64_t{44}));
  EXPECT_EQ(none.finding.figures.at("of"), results::Figure(int64_t{44}));
  EXPECT_EQ(unchanged({hypocritical(40, flag(4))}).level, Level::kWarn) << "4 of 44";
  EXPECT_EQ(unchanged({hypocritical(44, flag(44))}).level, Level::kPass) << "none withstood";
  EXPECT_EQ(unchanged({hypocritical(0, flag(44)), that_breaks(200)}).level, Level::kFail)
      << "an attack that makes answers wrong breaks none of these";
}

TEST(GradientChecks, AskNothingWhereNoAnswerIsToBecomeRight) {
  results::CellRecord all_right = hypocritical(44, {"refuted", {{"hits", int64_t{1}}}});
  for (results::Outcome& one : all_right.outcomes) one.clean_right = all_right.trials;
  EXPECT_TRUE(audit::checks_of_row({all_right}).empty());
}

TEST(GradientChecks, NameTheColumn) {
  const Finding zero{"zero_gradients", {{"samples", int64_t{180}}, {"of", int64_t{200}}}};
  const auto found =
      audit::checks_of_row({cell_of({"fine", "cw", 190, 10}), cell_of(flagged(180, zero))});
  const auto vanish = std::find_if(found.begin(), found.end(), [](const Check& check) {
    return check.finding.code == "gradients_vanish";
  });
  ASSERT_NE(vanish, found.end());
  EXPECT_EQ(sentence(*vanish),
            "pgd: every gradient was exactly 0 for 180 of 200 attacked images that withstood");
  EXPECT_NE(advice(*vanish), "");
}

}  // namespace
}  // namespace gauntlet
