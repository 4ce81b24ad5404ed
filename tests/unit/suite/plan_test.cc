#include "suite/plan.h"

#include "suite/passes.h"
#include "suite_fixture.h"

namespace gauntlet {
namespace {

using ::testing::HasSubstr;
using Plan = SuiteTest;

Access access_of(const suite::AttackSpec& attack) {
  if (attack.plugin == "random_noise") return Access::kNone;
  return attack.plugin == "nattack" ? Access::kScore : Access::kGradient;
}

TEST_F(Plan, CostIsStepsTimesPopulationDrawsAndRestarts) {
  const suite::Suite suite =
      read(suite_text("fgsm = { use = \"fgsm\" }\n"
                      "pgd = { use = \"pgd\", steps = 10, restarts = 3, draws = 2 }\n"
                      "capped = { base = \"pgd\", max_queries = 50 }\n"
                      "nattack = { use = \"nattack\", steps = 4, population = 6 }\n"
                      "noise = { use = \"random_noise\" }\n"
                      "transfer = { use = \"transfer\", source = \"tiny/at\", attack = { use = "
                      "\"pgd\", steps = 7 } "
                      "}\n"
                      "all = { use = \"multitargeted\", attack = { use = \"pgd\", steps = 7 } }\n"
                      "one = { use = \"multitargeted\", targets = 1, attack = { use = \"pgd\", "
                      "steps = 7 } }\n"));
  // Three classes. nattack shows its mean, and multitargeted ranks classes and compares answers.
  const double expected[] = {1, 60, 50, 25, 0, 7, 1 + 2 * 8, 1 + 8};
  for (size_t i = 0; i < suite.attacks.size(); ++i) {
    const suite::AttackSpec& attack = suite.attacks[i];
    const suite::SampleCost cost =
        sample_cost(suite.defenses[0], attack, access_of(attack), suite.scoring);
    EXPECT_EQ(cost.attack, expected[i]) << attack.name;
    EXPECT_EQ(cost.scoring, 1) << "deterministic";
  }
}

TEST_F(Plan, AttacksInTurnAddUp) {
  const std::string members =
      "members = [{ use = \"pgd\", steps = 10 }, { use = \"multitargeted\", attack = { use = "
      "\"pgd\", steps = 5 } }, { use = \"nattack\", steps = 3, population = 4 }]";
  const suite::Suite suite =
      read(suite_text("a = { use = \"several\", " + members + " }\nb = { use = \"several\", " +
                          members + ", repeats = [3, 1, 1], draws = 2 }\n",
                      "[[defense]]\nname = \"n\"\nmodel = \"tiny/standard\"\n"
                      "[[defense]]\nname = \"p\"\nmodel = \"tiny/pni-w\"\n"));
  const auto cost = [&](size_t defense, size_t attack) {
    return sample_cost(suite.defenses[defense], suite.attacks[attack], Access::kGradient,
                       suite.scoring);
  };
  // Two wrong classes, and a comparison after each run.
  const double to_all = 1 + 2 * (5 + 1), searched = 3 * 4 + 1;
  EXPECT_DOUBLE_EQ(cost(0, 0).attack, 10 + to_all + searched + 3);
  EXPECT_DOUBLE_EQ(cost(0, 0).work, 10 + (2 * 5 + 3 / 3.0) + searched / 3 + 3 / 3.0)
      << "searches and comparisons go forwards only";
  EXPECT_DOUBLE_EQ(cost(0, 1).attack, 2 * (3 * 10 + to_all + searched) + 5);
  EXPECT_DOUBLE_EQ(cost(1, 0).attack, 10 + to_all + searched + 3 * 30)
      << "30 draws compare what three have found";
  EXPECT_DOUBLE_EQ(cost(1, 1).attack, 2 * (3 * 10 + to_all + searched) + 5 * 30);
}

// By the names of their parameters: Auto-PGD, FAB, Square and HopSkipJump.
TEST(Passes, AreThoseOfTheAttacksLoops) {
  const auto passes = [](const ParamMap& params, int64_t classes = 10) {
    return suite::passes_of(params, {.classes = classes});
  };
  const ParamMap apgd = {{"steps", 100}, {"targets", 9}, {"loss", "cross_entropy"}};
  ParamMap apgd_t = apgd;
  apgd_t["loss"] = "dlr_targeted";
  EXPECT_EQ(passes(apgd).forwards, 103);
  EXPECT_EQ(passes(apgd).backwards, 100);
  EXPECT_EQ(passes(apgd_t).forwards, 1 + 9 * 104);
  EXPECT_EQ(passes(apgd_t).backwards, 900);
  EXPECT_EQ(passes(apgd_t, 4).backwards, 300) << "three wrong classes";
  ParamMap fab = {{"steps", 50}, {"targets", 5}, {"targeted", false}};
  EXPECT_EQ(passes(fab).forwards, 100);
  EXPECT_EQ(passes(fab).backwards, 450) << "all nine boundaries at once";
  fab["targeted"] = true;
  EXPECT_EQ(passes(fab).forwards, 1 + 5 * 100);
  EXPECT_EQ(passes(fab).backwards, 250);
  const ParamMap square = {{"queries", 5000}, {"loss", "margin"}};
  EXPECT_EQ(passes(square).forwards, 5000);
  EXPECT_EQ(passes(square).backwards, 0);
  EXPECT_EQ(passes({{"steps", 10}, {"rounds", 3}}).forwards, 30) << "cw";
  EXPECT_EQ(passes({{"steps", 10}, {"scales", 5}}).forwards, 50) << "pgd";
  const ParamMap hopskipjump = {{"steps", 40},
                                {"init_evaluations", 100},
                                {"max_evaluations", 10'000},
                                {"start_tries", 100},
                                {"votes", 0}};
  EXPECT_EQ(passes(hopskipjump).forwards, 18'879);
  EXPECT_EQ(passes(hopskipjump).backwards, 0);
}

// A run of it asked 7,825 times of an image that withstood.
TEST(Passes, OfAutoAttackAreThoseOfItsMembers) {
  const ParamMap standard = {
      {"members",
       ParamList{
           ParamMap{{"use", "apgd"}, {"steps", 100}, {"targets", 9}, {"loss", "cross_entropy"}},
           ParamMap{{"use", "apgd"}, {"steps", 100}, {"targets", 9}, {"loss", "dlr_targeted"}},
           ParamMap{{"use", "fab"}, {"steps", 100}, {"targets", 9}, {"targeted", true}},
           ParamMap{{"use", "square"}, {"queries", 5000}, {"loss", "margin"}}}}};
  EXPECT_EQ(suite::passes_of(standard, {.classes = 10}).forwards, 7825 + 2 + 9 * 2);
}

TEST_F(Plan, LeavesOutCellsThatAreSkipped) {
  const suite::Suite suite =
      read(suite_text("fgsm = { use = \"fgsm\" }\npgd = { use = \"pgd\", steps = 20 }\n"));
  const auto plan = [&](const suite::IsFor& is_for) {
    return describe_plan(
        suite, access_of, [](const suite::DefenseSpec&) { return 1.0; }, {}, is_for);
  };
  EXPECT_THAT(plan({}), HasSubstr("passes   attacks about 168, at most 20 a sample and cell; "
                                  "scoring about 16\n"));
  EXPECT_THAT(plan([](const suite::AttackSpec& attack, const suite::DefenseSpec&,
                      const suite::ThreatSpec&) { return attack.plugin == "fgsm"; }),
              HasSubstr("passes   attacks about 8, at most 1 a sample and cell; scoring about 8\n"
                        "time     about 11 s"));
}

TEST_F(Plan, VotesCountInScoringAndInDecisionAttacks) {
  const suite::Suite suite =
      read(suite_text("pgd = { use = \"pgd\", steps = 10 }\nn = { use = \"nattack\", steps = 2, "
                      "population = 5, oracle = \"wrapped\" }\n",
                      "[[defense]]\nname = \"v\"\nmodel = \"tiny/at\"\nstack = [{ "
                      "use = \"smoothing\", mc_samples = "
                      "100 }]\n"));
  const auto cost = [&](Access access, const suite::Scoring& scoring) {
    return sample_cost(suite.defenses[0], suite.attacks[0], access, scoring);
  };
  EXPECT_EQ(cost(Access::kGradient, {}).attack, 10);
  EXPECT_EQ(cost(Access::kDecision, {}).attack, 1000);
  EXPECT_EQ(sample_cost(suite.defenses[0], suite.attacks[1], Access::kScore, {}).attack, 1100);
  EXPECT_EQ(cost(Access::kGradient, {}).scoring, 600) << "ceil(512 / 100) trials of 100";
  EXPECT_EQ(cost(Access::kGradient, {.trials = 4}).scoring, 400);
  EXPECT_EQ(cost(Access::kGradient, {.draws = 250}).scoring, 300) << "3 votes of 100";
}

TEST_F(Plan, ExpectedPassesHaveAnEntryForEveryCellInOrder) {
  const suite::Suite suite = read(suite_text(
      "a = { use = \"pgd\", steps = 10 }\nb = { use = \"pgd\", steps = 20, samples = 1 }\n"));
  const std::vector<double> passes = expected_passes(suite);
  ASSERT_EQ(passes.size(), suite.cells.size());
  EXPECT_DOUBLE_EQ(passes[0], 4 * (10 + 1.0 / 3));
  EXPECT_DOUBLE_EQ(passes[1], 1 * (20 + 1.0 / 3));
}

TEST_F(Plan, IsTextAPersonCanRead) {
  const suite::Suite suite = read(suite_text(
      "fgsm = { use = \"fgsm\" }\n"
      "pgd = { use = \"pgd\", steps = 20, cross = { restarts = [1, 50] } }\n",
      "[[defense]]\nname = \"none\"\nmodel = \"tiny/standard\"\n"
      "[[defense]]\nname = \"PNI, σ 0.1\"\nmodel = \"tiny/pni-w\"\nstack = [{ use = \"smoothing\", "
      "sigma = 0.1, mc_samples = 8 }]\n"));
  EXPECT_EQ(describe_plan(suite, access_of, [](const suite::DefenseSpec&) { return 0.5; }),
            R"(suite    example
data     tiny, split test, 4 samples
threats  linf8: linf 8/255
seeds    0, 1

2 defenses
  none        tiny/standard
  PNI, σ 0.1  tiny/pni-w (pni) + smoothing

3 attacks
  fgsm              fgsm
  pgd[restarts=1]   pgd
  pgd[restarts=50]  pgd   50 restarts

cells    12 = 2 defenses × 3 attacks × 1 threat × 2 seeds
passes   attacks about 16,336, at most 1,000 a sample and cell; scoring about 12,312
time     about 2 h 50 min here; less where attacks win early or results are known
)");
}

TEST_F(Plan, SaysNothingOfTimeThatWasNotMeasured) {
  const suite::Suite suite = read(suite_text("fgsm = { use = \"fgsm\" }\n"));
  EXPECT_THAT(describe_plan(suite, access_of, nullptr), ::testing::Not(HasSubstr("time")));
}

}  // namespace
}  // namespace gauntlet
