// attack = "recommended", and attacks for one division.
#include "suite/plan.h"
#include "suite_fixture.h"

namespace gauntlet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::string kRecommended = R"(schema = 1
name = "example"
data = { dataset = "tiny", samples = 4 }
threat.linf8 = { norm = "linf", epsilon = "8/255" }
attack = "recommended"
)";
const std::string kSets = R"(
[attack.strong]
division = "deterministic"
use = "pgd"
steps = 30
[attack.averaged]
division = "randomized"
use = "pgd"
steps = 10
draws = 20
[attack.averaged-margin]
base = "averaged"
loss = "margin"
division = "randomized"
[attack.from-undefended]
division = "randomized"
use = "transfer"
source = "$undefended"
[attack.from-adversarial]
division = "randomized"
use = "transfer"
source = "$adversarial"
)";

class Recommended : public SuiteTest {
 protected:
  void SetUp() override {
    SuiteTest::SetUp();
    suites_.emplace("GAUNTLET_SUITES", (folder_ / "sets").string());
    write("sets/attacks/recommended.toml", kSets);
    std::filesystem::copy(golden_suites() / "registry", "registry",
                          std::filesystem::copy_options::recursive);
    train("standard", "method = \"cross-entropy\"");
    train("at", "method = { use = \"adversarial_training\" }");
    registry_ = registry::Registry("registry", {});
  }
  void TearDown() override {
    suites_.reset();
    SuiteTest::TearDown();
  }
  static void train(const std::string& model, const std::string& method) {
    std::ofstream("registry/models/tiny/" + model + ".toml", std::ios::app) << "\n[training]\n"
                                                                            << method << "\n";
  }
  static std::string row(const std::string& name, const std::string& model,
                         const std::string& more = "") {
    return "[[defense]]\nname = \"" + name + "\"\nmodel = \"" + model + "\"\n" + more;
  }
  static constexpr const char* kVote = "stack = [{ use = \"smoothing\", mc_samples = 8 }]\n";
  std::optional<Variable> suites_;
};

TEST_F(Recommended, IsTheSetOfEachDivision) {
  const suite::Suite suite =
      read(kRecommended + row("none", "tiny/standard") + row("noise", "tiny/pni-w"));
  EXPECT_THAT(names_of(suite.attacks), ElementsAre("strong", "averaged", "averaged-margin",
                                                   "from-undefended", "from-adversarial"));
  EXPECT_EQ(suite.attacks[0].host.division, Division::kDeterministic);
  EXPECT_EQ(suite.attacks[2].host.division, Division::kRandomized);
  EXPECT_EQ(suite.attacks[2].host.draws, 20);
  EXPECT_EQ(suite.attacks[3].params.at("source"), ParamValue("tiny/standard"));
  EXPECT_EQ(suite.attacks[4].params.at("source"), ParamValue("tiny/at"));
  EXPECT_THAT(suite.notes, IsEmpty());
  EXPECT_FALSE(suite.certify);
}

TEST_F(Recommended, TransfersFromNoModelThatARandomRowIsMadeOf) {
  const suite::Suite suite = read(kRecommended + row("vote", "tiny/at", kVote));
  EXPECT_THAT(names_of(suite.attacks),
              ElementsAre("strong", "averaged", "averaged-margin", "from-undefended"));
  EXPECT_THAT(suite.notes,
              ElementsAre("attack 'from-adversarial' is left out: the registry has no model with "
                          "adversarial training for these data that no row is made of"));
  const auto access = [](const suite::AttackSpec&) { return Access::kGradient; };
  EXPECT_THAT(describe_plan(suite, access, nullptr), HasSubstr("'from-adversarial' is left out"));
  const suite::Suite slots =
      read(kRecommended + row("$m", "tiny/$m", "zip = { m = [\"at\", \"standard\"] }\n") +
           row("$m, vote", "tiny/$m", std::string(kVote) + "zip = { m = [\"standard\"] }\n"));
  EXPECT_THAT(names_of(slots.attacks),
              ElementsAre("strong", "averaged", "averaged-margin", "from-adversarial"));
}

TEST_F(Recommended, AsksForCertificatesWhereARowGivesThem) {
  const std::string rows = row("sure", "tiny/at", "stack = [{ use = \"certifier\" }]\n");
  EXPECT_TRUE(read(kRecommended + rows).certify);
  EXPECT_EQ(read(kRecommended + rows).certified.size(), 1u);
  EXPECT_FALSE(read(kRecommended + "certify = false\n" + rows).certify);
  EXPECT_FALSE(read(suite_text("a = { use = \"fgsm\" }\n", rows)).certify) << "not recommended";
}

TEST_F(Recommended, CanBeSetAndChangedOnTheCommandLine) {
  const std::string own = suite_text("a = { use = \"fgsm\" }\n");
  const suite::Suite suite =
      read(own, {{"attack=recommended", "attack.strong.steps=5"}, {"attack=strong"}});
  EXPECT_THAT(names_of(suite.attacks), ElementsAre("strong"));
  EXPECT_EQ(suite.attacks[0].params.at("steps"), ParamValue(5));
}

TEST_F(Recommended, WithoutItsFileIsAProblem) {
  write("sets/attacks/recommended.toml", "[attack.broken\n");
  EXPECT_THAT(error(kRecommended + kRow), HasSubstr("recommended.toml:1:"));
  write("sets/attacks/recommended.toml", "schema = 1\n");
  EXPECT_THAT(error(kRecommended + kRow), HasSubstr("lacks tables [attack.NAME]"));
}

TEST_F(Recommended, MistypedIsNamed) {
  const std::string what = "is not a table; a word is \"recommended\" or \"all\"";
  EXPECT_THAT(error(kHead + std::string("attack = \"recomended\"\n") + kRow),
              HasSubstr("suite.toml:6:10: the suite: attack: \"recomended\" " + what +
                        ", did you mean 'recommended'?"));
  EXPECT_THAT(error(kHead + std::string("attack = \"pgd-twenty\"\n") + kRow),
              HasSubstr("attack: \"pgd-twenty\" " + what));
}

TEST_F(Recommended, DivisionsAreWords) {
  EXPECT_THAT(error(suite_text("a = { use = \"fgsm\", division = \"randomised\" }\n")),
              HasSubstr("attack 'a': division: 'randomised' is not one of 'deterministic', "
                        "'randomized', 'certified'; did you mean 'randomized'?"));
}

// Rows are counted with the attacks that are for them.
TEST_F(Recommended, CostsWhatEachRowIsAttackedWith) {
  const auto access = [](const suite::AttackSpec&) { return Access::kGradient; };
  const std::string attacks =
      "a = { use = \"pgd\", steps = 10, division = \"deterministic\" }\n"
      "b = { use = \"pgd\", steps = 100, division = \"randomized\" }\n"
      "c = { use = \"pgd\", steps = 1000, division = \"certified\" }\n";
  const suite::Suite suite =
      read(suite_text(attacks, row("none", "tiny/standard") + row("noise", "tiny/pni-w") +
                                   row("sure", "tiny/at", "stack = [{ use = \"certifier\" }]\n")));
  const std::vector<double> passes = expected_passes(suite);
  const auto attacked = [&](size_t defense) {
    std::string out;
    for (size_t i = 3 * defense; i < 3 * defense + 3; ++i) out += passes[i] > 0 ? 'x' : '-';
    return out;
  };
  EXPECT_EQ(attacked(0), "x--");
  EXPECT_EQ(attacked(1), "-x-");
  EXPECT_EQ(attacked(2), "-xx");
  const std::string plan = describe_plan(suite, access, nullptr);
  EXPECT_THAT(plan, HasSubstr("for randomized rows"));
  EXPECT_THAT(plan, HasSubstr("attacks about 9,680")) << "2 seeds, 4 samples, 10 + 100 + 1,100";
}

}  // namespace
}  // namespace gauntlet
