#include "audit/row_checks.h"

#include <gmock/gmock.h>

#include "row_examples.h"

namespace gauntlet {
namespace {

using results::Check;
using results::Level;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<Check> checks(const std::vector<Planned>& plans, bool stochastic = false) {
  std::vector<results::CellRecord> cells;
  for (const Planned& plan : plans) cells.push_back(cell_of(plan, stochastic));
  return audit::checks_of_row(cells);
}

// "FAIL black_box: …", "" where the row does not answer it.
std::string told(const std::vector<Check>& all, const std::string& code) {
  std::string out;
  for (const Check& check : all)
    if (check.finding.code == code) out += to_string(check.level) + ": " + sentence(check);
  return out;
}
std::string told(const std::vector<Planned>& plans, const std::string& code,
                 bool stochastic = false) {
  return told(checks(plans, stochastic), code);
}
std::vector<std::string> alarms(const std::vector<Planned>& plans, bool stochastic = false) {
  std::vector<std::string> out;
  for (const Check& check : checks(plans, stochastic))
    if (check.level != Level::kPass) out.push_back(check.finding.code);
  return out;
}

TEST(RowChecks, ASingleGradientThatBeatsAllFails) {
  EXPECT_EQ(told({{"fgsm", "fgsm", 32, 1}, {"pgd", "pgd", 72, 10}}, "single_step"),
            "fail: pgd leaves 36.0 %, fgsm, with a single gradient, 16.0 % of the same images: its "
            "steps fall short, or gradients are masked");
  EXPECT_EQ(told({{"pgd", "pgd", 100, 10}, {"fgsm", "fgsm", 160, 1}}, "single_step"),
            "pass: pgd leaves 50.0 %, fgsm, with a single gradient, 80.0 %");
}

TEST(RowChecks, AnAttackThatASingleGradientBeatsIsNamed) {
  EXPECT_THAT(told({{"fgsm", "fgsm", 32, 1}, {"short", "pgd", 72, 10}, {"pgd", "pgd", 0, 20}},
                   "single_step"),
              HasSubstr("warn: short leaves 36.0 %, fgsm, with a single gradient, 16.0 %"));
}

TEST(RowChecks, NoNumberOfTargetsStandsForAll) {
  Planned one{"one", "multitargeted", 45, 20}, all{"all", "multitargeted", 44, 20};
  one.targets = 1, all.targets = 0;
  const std::string right = "pass: all leaves 22.0 %, one, which is shorter, 22.5 %";
  EXPECT_EQ(told({one, all}, "more_steps"), right);
  EXPECT_EQ(told({all, one}, "more_steps"), right);
  all.right = 70;
  EXPECT_THAT(told({one, all}, "more_steps"), ::testing::Not(HasSubstr("pass")));
}

// The longer run makes more answers right.
TEST(RowChecks, AttacksThatMakeAnswersRightAreNotTakenForWeakOnes) {
  Planned shorter{"short", "pgd", 60, 10}, longer{"long", "pgd", 180, 100};
  Planned single{"fgsm", "fgsm", 20, 1};
  EXPECT_NE(told({single, shorter, longer}, "more_steps"), "") << "the test needs a comparison";
  shorter.goal = longer.goal = single.goal = "hypocritical";
  EXPECT_EQ(told({single, shorter, longer}, "more_steps"), "");
  EXPECT_EQ(told({single, shorter, longer}, "single_step"), "");
}

TEST(RowChecks, AttacksWithoutGradientsFailARowOnlyWhereTheyBeatAllGradients) {
  const Planned noise{"noise", "random_noise", 150, 0, 1, false};
  const Planned transfer{"transfer", "transfer", 60, 0, 1, false};
  const auto found = checks({noise, transfer, {"pgd", "pgd", 180, 10}});
  EXPECT_THAT(told(found, "black_box"),
              HasSubstr("fail: pgd leaves 90.0 %, transfer, without gradients of the defense, "
                        "30.0 % of the same images"));
  EXPECT_THAT(told(found, "random_noise"),
              HasSubstr("fail: pgd leaves 90.0 %, noise, without an attacker, 75.0 %"));
  const auto stronger = checks({noise, transfer, {"pgd", "pgd", 180, 10}, {"cw", "cw", 40, 10}});
  EXPECT_THAT(told(stronger, "black_box"), HasSubstr("pass: the best gradient attack, cw"));
  EXPECT_THAT(told(stronger, "random_noise"), HasSubstr("warn: pgd leaves 90.0 %, noise"));
  EXPECT_EQ(told({{"pgd", "pgd", 180, 10}}, "black_box"), "") << "nobody asked";
}

TEST(RowChecks, QueriesWithoutGradientsAreNoNoise) {
  Planned square{"square", "square", 20, 500, 1, false};
  square.queries = true;
  const auto found = checks({square, {"pgd", "pgd", 180, 10}});
  EXPECT_THAT(told(found, "black_box"), HasSubstr("fail"));
  EXPECT_EQ(told(found, "random_noise"), "");
}

TEST(RowChecks, AShorterAttackMustNotWin) {
  EXPECT_THAT(
      told({{"pgd[steps=5]", "pgd", 60, 5}, {"pgd[steps=50]", "pgd", 90, 50}}, "more_steps"),
      HasSubstr("fail: pgd[steps=50] leaves 45.0 %, pgd[steps=5], with less of the same, 30.0 %"));
  EXPECT_THAT(
      told(
          {{"pgd[steps=5]", "pgd", 60, 5}, {"pgd[steps=50]", "pgd", 90, 50}, {"cw", "cw", 20, 100}},
          "more_steps"),
      HasSubstr("warn"))
      << "the row's number is another attack's";
}

TEST(RowChecks, TheStrongestAttackMustHaveConverged) {
  const Planned five{"five", "pgd", 150, 5}, twenty{"twenty", "pgd", 100, 20},
      fifty{"fifty", "pgd", 99, 50};
  EXPECT_THAT(told({five, twenty}, "more_steps"),
              HasSubstr("warn: twenty leaves 50.0 %, five, which is shorter, 75.0 %: the attack "
                        "had not converged"));
  EXPECT_THAT(told({five, twenty, fifty}, "more_steps"),
              HasSubstr("pass: fifty leaves 49.5 %, twenty, which is shorter, 50.0 %"));
  EXPECT_THAT(told({five, twenty, {"cw", "cw", 60, 100}}, "more_steps"), HasSubstr("pass"))
      << "the row's number is another attack's";
}

TEST(RowChecks, RestartsAndDrawsAreHeldApart) {
  const Planned once{"once", "pgd", 120, 10},
      thrice{"thrice", "pgd", 90, 10, 1, true, "untargeted", 3},
      averaged{"averaged", "pgd", 90, 10, 8};
  EXPECT_THAT(told({once, thrice}, "more_restarts"), HasSubstr("warn: thrice leaves 45.0 %"));
  EXPECT_THAT(told({once, averaged}, "more_draws", true), HasSubstr("warn: averaged leaves"));
  EXPECT_EQ(told({once, averaged}, "more_steps", true), "");
}

TEST(RowChecks, DrawsOfADeterministicRowAreNotTaken) {
  const Planned seven{"epgd", "pgd", 32, 7, 8}, fifty{"cw", "cw", 72, 50};
  EXPECT_EQ(told({seven, fifty}, "single_step"), "") << "seven gradients, whatever it averages";
  const Planned once{"once", "pgd", 120, 10}, averaged{"averaged", "pgd", 90, 10, 8};
  EXPECT_EQ(told({once, averaged}, "more_draws"), "") << "it draws nothing";
  const Planned one{"fgsm", "fgsm", 32, 1, 8};
  EXPECT_THAT(told({one, fifty}, "single_step", true),
              HasSubstr("fgsm, with a single gradient, 16.0 %"))
      << "eight draws of one point";
}

TEST(RowChecks, WhatChanceExplainsIsNoAlarm) {
  EXPECT_THAT(alarms({{"fgsm", "fgsm", 70, 1}, {"pgd", "pgd", 73, 10}}), IsEmpty());
}

TEST(RowChecks, OtherGoalsAndBroughtExamplesAreNotCompared) {
  EXPECT_THAT(alarms({{"targeted", "pgd", 150, 10, 1, true, "targeted"}, {"fgsm", "fgsm", 60, 1}}),
              IsEmpty());
  EXPECT_THAT(alarms({{"brought", "external", 20, 0, 1, false}, {"pgd", "pgd", 100, 10}}),
              IsEmpty());
}

TEST(RowChecks, OrderOfColumnsDoesNotMatter) {
  const std::vector<Planned> plans = {{"fgsm", "fgsm", 32, 1}, {"short", "pgd", 72, 10}};
  EXPECT_EQ(checks(plans), checks({plans[1], plans[0]}));
}

TEST(RowChecks, ARandomRowWithoutAveragedGradientsIsSaidToBe) {
  const std::vector<Planned> single = {{"fgsm", "fgsm", 150, 1},
                                       {"noise", "random_noise", 180, 0, 1, false},
                                       {"pgd", "pgd", 100, 10}};
  EXPECT_THAT(told(single, "more_draws", true), HasSubstr("warn: attacked on single draws"));
  EXPECT_EQ(told(single, "more_draws"), "") << "it draws nothing";
  std::vector<Planned> averaged = single;
  averaged.push_back({"epgd", "epgd", 90, 10, 8});
  EXPECT_THAT(told(averaged, "more_draws", true),
              HasSubstr("pass: gradients were averaged over 8"));
}

TEST(RowChecks, CellsWithoutAResultOrWithoutParametersAreSurvived) {
  results::CellRecord failed = cell_of({"pgd", "pgd", 100, 10}), bare = failed;
  failed.status = results::Status::kError, bare.parameters = "";
  for (const Check& check : audit::checks_of_row({failed, bare}))
    EXPECT_EQ(check.level, Level::kPass) << sentence(check);
  EXPECT_THAT(audit::checks_of_row({}), IsEmpty());
}

TEST(RowChecks, ProbesAndRecordsAreJoinedByTheWorse) {
  const auto of = [](const std::string& code, Level level, const std::string& where) {
    return Check{{code, {}, where}, level};
  };
  EXPECT_EQ(
      audit::joined(
          {of("single_step", Level::kPass, "records"), of("random_noise", Level::kFail, "records")},
          {of("random_noise", Level::kWarn, "probes"), of("box_edge", Level::kPass, "probes"),
           of("single_step", Level::kWarn, "probes")}),
      (std::vector<Check>{of("box_edge", Level::kPass, "probes"),
                          of("single_step", Level::kWarn, "probes"),
                          of("random_noise", Level::kFail, "records")}));
}

}  // namespace
}  // namespace gauntlet
