#include "suite/only.h"
#include "suite/text/expand.h"
#include "suite_fixture.h"

namespace gauntlet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

using SuiteExpansion = SuiteTest;

int64_t steps(const suite::AttackSpec& attack) { return *attack.params.at("steps").get<int64_t>(); }

TEST_F(SuiteExpansion, CrossMultipliesWithTheLastKeyFastest) {
  const suite::Suite suite = read(suite_text(
      "a = { use = \"pgd\", cross = { steps = [1, 2], step_size = [\"1/255\", 0.1] } }\n"));
  EXPECT_THAT(names_of(suite.attacks),
              ElementsAre("a[steps=1,step_size=1/255]", "a[steps=1,step_size=0.1]",
                          "a[steps=2,step_size=1/255]", "a[steps=2,step_size=0.1]"));
  EXPECT_EQ(suite.attacks[2].params.at("step_size"), ParamValue(1.0 / 255));
}

TEST_F(SuiteExpansion, ZipWalksTogetherAndCrossMultipliesIt) {
  const suite::Suite suite = read(
      suite_text("a = { use = \"pgd\", zip = { steps = [1, 2], restarts = [20, 10] }, cross = { "
                 "loss = [\"dlr\", \"margin\"] } }\n"));
  ASSERT_THAT(names_of(suite.attacks),
              ElementsAre("a[steps=1,restarts=20,loss=dlr]", "a[steps=1,restarts=20,loss=margin]",
                          "a[steps=2,restarts=10,loss=dlr]", "a[steps=2,restarts=10,loss=margin]"));
  EXPECT_EQ(suite.attacks[3].host.restarts, 10);
  EXPECT_EQ(steps(suite.attacks[3]), 2);
}

TEST_F(SuiteExpansion, BaseCopiesAlongAChainAndOwnKeysWin) {
  const suite::Suite suite =
      read(suite_text("c = { base = \"b\", loss = \"dlr\" }\n"
                      "b = { base = \"a\", steps = 7, restarts = 3 }\n"
                      "a = { use = \"pgd\", steps = 5, step_size = 0.5, draws = 4 }\n"));
  const suite::AttackSpec& c = suite.attacks[0];
  EXPECT_EQ(c.plugin, "pgd");
  EXPECT_EQ(c.params,
            (ParamMap{{"steps", 7}, {"step_size", 0.5}, {"start", "uniform"}, {"loss", "dlr"}}));
  EXPECT_EQ(c.host.restarts, 3);
  EXPECT_EQ(c.host.draws, 4);
  EXPECT_EQ(steps(suite.attacks[2]), 5);
}

TEST_F(SuiteExpansion, OwnKeysReplaceTheBasesInWhateverForm) {
  const suite::Suite suite =
      read(suite_text("a = { use = \"pgd\", cross = { steps = [1, 2], restarts = [1, 2] } }\n"
                      "fixed = { base = \"a\", steps = 9 }\n"
                      "crossed = { base = \"fixed\", cross = { steps = [3] } }\n"));
  EXPECT_THAT(names_of(suite.attacks),
              ElementsAre("a[steps=1,restarts=1]", "a[steps=1,restarts=2]", "a[steps=2,restarts=1]",
                          "a[steps=2,restarts=2]", "fixed[restarts=1]", "fixed[restarts=2]",
                          "crossed[restarts=1,steps=3]", "crossed[restarts=2,steps=3]"));
  EXPECT_EQ(steps(suite.attacks[4]), 9);
  EXPECT_EQ(steps(suite.attacks[6]), 3);
}

TEST_F(SuiteExpansion, ColumnsComeAsTheyAreWritten) {
  const suite::Suite suite =
      read(suite_text("z = { use = \"fgsm\" }\nb = { use = \"fgsm\" }\nm = { use = \"fgsm\" }\n"));
  EXPECT_THAT(names_of(suite.attacks), ElementsAre("z", "b", "m"));
}

TEST_F(SuiteExpansion, SlotsFillNamesModelsAndStacksAndKeepTheirType) {
  const suite::Suite suite = read(suite_text("fgsm = { use = \"fgsm\" }\n", R"([[defense]]
name = "${m}_$n copies, cost $$$n"
model = "tiny/$m"
stack = [{ use = "smoothing", sigma = "$s", mc_samples = "$n" }]
cross = { m = ["at", "standard"] }
zip = { n = [16, 32], s = ["1/8", 0.25] }
)"));
  EXPECT_THAT(names_of(suite.defenses),
              ElementsAre("at_16 copies, cost $16", "standard_16 copies, cost $16",
                          "at_32 copies, cost $32", "standard_32 copies, cost $32"));
  EXPECT_EQ(suite.defenses[0].stack[0].with.at("sigma"), ParamValue(0.125));
  EXPECT_EQ(suite.defenses[3].stack[0].with.at("mc_samples"), ParamValue(32));
  EXPECT_EQ(suite.defenses[3].model.id, "tiny/standard");
}

TEST_F(SuiteExpansion, AWholeStackOrModelCanBeASlot) {
  const suite::Suite suite = read(suite_text("fgsm = { use = \"fgsm\" }\n", R"([[defense]]
name = "row"
model = "$model"
stack = "$stack"
zip = { model = ["tiny/at", "tiny/standard"], stack = [[], [{ use = "detector" }]] }
)"));
  ASSERT_EQ(suite.defenses.size(), 2u);
  EXPECT_TRUE(suite.defenses[0].stack.empty());
  EXPECT_EQ(suite.defenses[1].stack[0].plugin, "detector");
}

TEST_F(SuiteExpansion, RowsWithoutASlotInTheirNameGetALabel) {
  const suite::Suite suite = read(suite_text(
      "fgsm = { use = \"fgsm\" }\n",
      "[[defense]]\nname = \"row\"\nmodel = \"tiny/$m\"\nzip = { m = [\"at\", \"standard\"] }\n"));
  EXPECT_THAT(names_of(suite.defenses), ElementsAre("row[m=at]", "row[m=standard]"));
}

TEST_F(SuiteExpansion, TooManyCombinationsAreRefused) {
  std::string hundred = "[0";
  for (int i = 1; i < 101; ++i) hundred += ", " + std::to_string(i);
  hundred += "]";
  EXPECT_THAT(error(suite_text("a = { use = \"pgd\", cross = { steps = " + hundred +
                               ", restarts = " + hundred + " } }\n")),
              HasSubstr("makes more than 10000"));
}

TEST_F(SuiteExpansion, IncludesGiveWayToTheIncludingFile) {
  write("parts/common.toml",
        "name = \"common\"\nthreat.l2 = { norm = \"l2\", epsilon = 1 }\n"
        "threat.linf8 = { norm = \"linf\", epsilon = 1 }\n"
        "[attack]\na = { use = \"pgd\", steps = 1, restarts = 4 }\nb = { use = \"fgsm\" }\n"
        "[[defense]]\nname = \"none\"\nmodel = \"tiny/at\"\n"
        "[[defense]]\nname = \"other\"\nmodel = \"tiny/at\"\n");
  write("parts/scoring.toml", "scoring = { trials = 7, success = \"final\" }\n");
  const suite::Suite suite =
      read("include = [\"parts/common.toml\", \"parts/scoring.toml\"]\nscoring.trials = 9\n" +
           suite_text("a = { use = \"pgd\", steps = 2 }\nc = { base = \"b\" }\n"));
  EXPECT_EQ(suite.name, "example");
  EXPECT_THAT(names_of(suite.threats), ElementsAre("l2", "linf8"));
  EXPECT_EQ(suite.threats[1].epsilon, 8.0 / 255);
  EXPECT_THAT(names_of(suite.attacks), ElementsAre("a", "b", "c"));
  EXPECT_EQ(steps(suite.attacks[0]), 2);
  EXPECT_EQ(suite.attacks[0].host.restarts, 1) << "an entry is replaced as a whole";
  EXPECT_THAT(names_of(suite.defenses), ElementsAre("none", "other"));
  EXPECT_EQ(suite.defenses[0].model.id, "tiny/standard");
  EXPECT_EQ(suite.scoring.trials, 9);
  EXPECT_EQ(suite.scoring.success, suite::Success::kFinal);
}

TEST_F(SuiteExpansion, ProblemsInIncludedFilesNameThoseFiles) {
  write("parts/attacks.toml", "[attack]\na = { use = \"pgd\", steps = -1 }\n");
  EXPECT_EQ(error("include = \"parts/attacks.toml\"\n" + std::string(kHead) + kRow),
            "parts/attacks.toml:2:28: attack 'a': steps: -1 is not in [0, 10000]");
}

TEST_F(SuiteExpansion, SetChangesAndAddsValues) {
  const suite::Suite suite =
      read(suite_text("pgd = { use = \"pgd\" }\n"),
           {{"attack.pgd.steps=50", "attack.pgd.step_size=2/255", "attack.new={ base = \"pgd\" }",
             "threat.linf8.epsilon=\"4/255\"", "seeds=[5]", "scoring.trials=3", "data.samples=2",
             "defense.0.model=tiny/at", "defense.none.name=a row", "name=other"},
            {}});
  EXPECT_EQ(suite.name, "other");
  EXPECT_EQ(steps(suite.attacks[0]), 50);
  EXPECT_EQ(suite.attacks[0].params.at("step_size"), ParamValue(2.0 / 255));
  EXPECT_EQ(suite.attacks[1].params, suite.attacks[0].params);
  EXPECT_EQ(suite.threats[0].epsilon, 4.0 / 255);
  EXPECT_THAT(suite.seeds, ElementsAre(5));
  EXPECT_EQ(suite.scoring.trials, 3);
  EXPECT_EQ(suite.data.indices.size(), 2u);
  EXPECT_EQ(suite.defenses[0].model.id, "tiny/at");
  EXPECT_EQ(suite.defenses[0].name, "a row");
}

TEST_F(SuiteExpansion, SetReachesKeysWithDotsInQuotes) {
  const suite::Suite suite =
      read(suite_text("\"a.b\" = { use = \"pgd\" }\n"), {{"attack.\"a.b\".steps=3"}, {}});
  EXPECT_EQ(steps(suite.attacks[0]), 3);
}

TEST_F(SuiteExpansion, OnlyKeepsWhatItNames) {
  const std::string text = suite_text(
      "pgd = { use = \"pgd\", cross = { steps = [1, 5], restarts = [1, 2] } }\n"
      "fgsm = { use = \"fgsm\" }\n",
      std::string(kRow) + "[[defense]]\nname = \"at\"\nmodel = \"tiny/at\"\n");
  const suite::Suite narrow = read(text, {{}, {"attack=pgd[steps=5,restarts=2],defense=a*"}});
  EXPECT_THAT(names_of(narrow.attacks), ElementsAre("pgd[steps=5,restarts=2]"));
  EXPECT_THAT(names_of(narrow.defenses), ElementsAre("at"));
  EXPECT_EQ(narrow.cells.size(), 2u) << "two seeds";
  const suite::Suite wide = read(text, {{}, {"attack=fgsm", "attack=pgd*restarts=1]"}});
  EXPECT_THAT(names_of(wide.attacks),
              ElementsAre("pgd[steps=1,restarts=1]", "pgd[steps=5,restarts=1]", "fgsm"));
  EXPECT_EQ(wide.defenses.size(), 2u);
}

TEST_F(SuiteExpansion, OnlyKeepsCommasOfNames) {
  const std::string text =
      suite_text("fgsm = { use = \"fgsm\" }\n",
                 std::string(kRow) + "[[defense]]\nname = \"AT, PGD-7\"\nmodel = \"tiny/at\"\n");
  for (const char* only :
       {"defense=AT, PGD-7", "defense=AT, PGD-7,attack=fgsm", "attack=fgsm,defense=*, PGD-?"})
    EXPECT_THAT(names_of(read(text, {{}, {only}}).defenses), ElementsAre("AT, PGD-7")) << only;
  try {
    read(text, {{}, {"defense=AT, PGD-7,atack=fgsm"}});
    ADD_FAILURE() << "a misspelled kind is part of a name";
  } catch (const BadInput& error) {
    EXPECT_THAT(error.what(), HasSubstr("'atack=fgsm' is no filter"));
  }
}

TEST(Glob, StarsAndQuestionMarksAndNothingElse) {
  EXPECT_TRUE(suite::matches_glob("*", ""));
  EXPECT_TRUE(suite::matches_glob("a*c*e", "abcde"));
  EXPECT_TRUE(suite::matches_glob("a*b", "aab"));
  EXPECT_TRUE(suite::matches_glob("?gsm", "fgsm"));
  EXPECT_TRUE(suite::matches_glob("p[steps=5]", "p[steps=5]"));
  EXPECT_FALSE(suite::matches_glob("p[s]", "ps"));
  EXPECT_FALSE(suite::matches_glob("fgsm", "fgsm2"));
  EXPECT_FALSE(suite::matches_glob("?gsm", "gsm"));
  EXPECT_FALSE(suite::matches_glob("a*b", "abc"));
}

}  // namespace
}  // namespace gauntlet
