#include "suite/plan.h"

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
  const double expected[] = {1, 60, 50, 24, 0, 7, 14, 7};  // three classes
  for (size_t i = 0; i < suite.attacks.size(); ++i) {
    const suite::AttackSpec& attack = suite.attacks[i];
    const suite::SampleCost cost =
        sample_cost(suite.defenses[0], attack, access_of(attack), suite.scoring);
    EXPECT_EQ(cost.attack, expected[i]) << attack.name;
    EXPECT_EQ(cost.scoring, 1) << "deterministic";
  }
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
  EXPECT_EQ(sample_cost(suite.defenses[0], suite.attacks[1], Access::kScore, {}).attack, 1000);
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
