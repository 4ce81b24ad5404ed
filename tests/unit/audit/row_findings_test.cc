#include "audit/row_findings.h"

#include <gmock/gmock.h>

namespace gauntlet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Planned {
  std::string name, plugin;
  int64_t right = 0;  // the first so many of 200 images withstand it
  int64_t steps = 0, draws = 1;
  bool gradients = true;
  std::string goal = "untargeted";
};

results::CellRecord cell_of(const Planned& plan, bool stochastic = false) {
  results::CellRecord cell;
  cell.attack = plan.name, cell.status = results::Status::kOk, cell.stochastic = stochastic;
  cell.trials = stochastic ? 4 : 1;
  const std::string steps =
      plan.steps > 0 ? R"("steps":{"value":)" + std::to_string(plan.steps) + R"(,"default":10})"
                     : "";
  cell.parameters = R"({"attack":{"plugin":")" + plan.plugin + R"(","params":{)" + steps +
                    R"(}},"host":{"draws":{"value":)" + std::to_string(plan.draws) +
                    R"(,"default":1},"goal":{"value":")" + plan.goal +
                    R"(","default":"untargeted"}}})";
  const int64_t queries = plan.gradients ? std::max<int64_t>(plan.steps, 1) * plan.draws : 0;
  for (int64_t i = 0; i < 200; ++i) {
    results::Outcome outcome;
    outcome.index = i, outcome.clean_right = cell.trials, outcome.queries = queries;
    outcome.robust_right = i < plan.right ? cell.trials : 0;
    cell.outcomes.push_back(outcome);
  }
  cell.samples = 200;
  cell.ledger.queries = cell.ledger.forwards = 200 * std::max<int64_t>(queries, 0);
  cell.ledger.backwards = plan.gradients ? cell.ledger.queries : 0;
  return cell;
}

std::vector<std::string> findings(const std::vector<Planned>& plans, bool stochastic = false) {
  std::vector<results::CellRecord> cells;
  for (const Planned& plan : plans) cells.push_back(cell_of(plan, stochastic));
  return sentences(audit::findings_of_row(cells));
}

TEST(RowFindings, AnAttackThatASingleGradientBeatsIsNamed) {
  const auto found =
      findings({{"fgsm", "fgsm", 32, 1}, {"short", "pgd", 72, 10}, {"pgd", "pgd", 0, 20}});
  ASSERT_EQ(found.size(), 1u);
  EXPECT_THAT(found[0], HasSubstr("short leaves 36.0 %, fgsm, with a single gradient, 16.0 %"));
}

TEST(RowFindings, AnAttackThatBlackBoxesBeatIsNamedOnceByTheStrongest) {
  const auto found = findings({{"noise", "random_noise", 150, 0, 1, false},
                               {"transfer", "transfer", 60, 0, 1, false},
                               {"pgd", "pgd", 180, 10}});
  ASSERT_EQ(found.size(), 1u);
  EXPECT_THAT(found[0], HasSubstr("pgd leaves 90.0 %, transfer, without gradients of the defense, "
                                  "30.0 % of the same images"));
}

TEST(RowFindings, FewerStepsThatDoBetterAreAFinding) {
  const auto found = findings({{"pgd[steps=5]", "pgd", 60, 5}, {"pgd[steps=50]", "pgd", 90, 50}});
  ASSERT_EQ(found.size(), 1u);
  EXPECT_THAT(found[0], HasSubstr("pgd[steps=50] leaves 45.0 %, pgd[steps=5], with less of the "
                                  "same, 30.0 %"));
}

TEST(RowFindings, WhatChanceExplainsIsNone) {
  EXPECT_THAT(findings({{"fgsm", "fgsm", 70, 1}, {"pgd", "pgd", 73, 10}}), IsEmpty());
}

TEST(RowFindings, StrongerAttacksAndOtherGoalsMayDoBetter) {
  EXPECT_THAT(findings({{"pgd", "pgd", 100, 10}, {"fgsm", "fgsm", 160, 1}}), IsEmpty());
  EXPECT_THAT(
      findings({{"targeted", "pgd", 150, 10, 1, true, "targeted"}, {"fgsm", "fgsm", 60, 1}}),
      IsEmpty());
  EXPECT_THAT(findings({{"brought", "external", 20, 0, 1, false}, {"pgd", "pgd", 100, 10}}),
              IsEmpty());
}

TEST(RowFindings, OrderOfColumnsDoesNotMatter) {
  const std::vector<Planned> plans = {{"fgsm", "fgsm", 32, 1}, {"short", "pgd", 72, 10}};
  EXPECT_EQ(findings(plans), findings({plans[1], plans[0]}));
}

TEST(RowFindings, ARandomRowWithoutAveragedGradientsIsSaidToBe) {
  const std::vector<Planned> single = {{"fgsm", "fgsm", 150, 1},
                                       {"noise", "random_noise", 180, 0, 1, false},
                                       {"pgd", "pgd", 100, 10}};
  EXPECT_THAT(findings(single, true), ElementsAre(HasSubstr("single draws")));
  EXPECT_THAT(findings(single), IsEmpty()) << "it draws nothing";
  std::vector<Planned> averaged = single;
  averaged.push_back({"epgd", "pgd", 90, 10, 8});
  EXPECT_THAT(findings(averaged, true), IsEmpty());
}

TEST(RowFindings, CellsWithoutAResultOrWithoutParametersAreSurvived) {
  results::CellRecord failed = cell_of({"pgd", "pgd", 100, 10}), bare = failed;
  failed.status = results::Status::kError, bare.parameters = "";
  EXPECT_THAT(audit::findings_of_row({failed, bare}), IsEmpty());
  EXPECT_THAT(audit::findings_of_row({}), IsEmpty());
}

}  // namespace
}  // namespace gauntlet
