// attack = "all" and defense = "all".
#include "suite/read_suite.h"
#include "suite_fixture.h"

namespace gauntlet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::string kAll = R"(schema = 1
name = "example"
data = { dataset = "tiny", samples = 4 }
threat.linf8 = { norm = "linf", epsilon = "8/255" }
)";

class Presets : public SuiteTest {
 protected:
  void SetUp() override {
    SuiteTest::SetUp();
    const FixedCatalogue catalogue;
    for (const std::string& name : catalogue.names("attack"))
      write(file("attack", name), "[all]\n");
    for (const std::string& name : catalogue.names("defense"))
      write(file("defense", name), "all = []\n");
    write(file("attack", "pgd"),
          "[attack.long]\nuse = \"pgd\"\nsteps = 900\n"
          "[all.pgd-5]\nuse = \"pgd\"\nsteps = 5\n[all.crossed]\nuse = \"pgd\"\ncross = { steps = "
          "[1, 2] }\n");
    write(file("attack", "fgsm"), "[all.fgsm]\nuse = \"fgsm\"\ndataset = \"tiny\"\n");
    write(file("attack", "transfer"),
          "[all.elsewhere]\nuse = \"transfer\"\nsource = \"tiny/at\"\ndataset = \"absent\"\n");
    write(file("defense", "smoothing"),
          "[soft]\nstack = []\n"
          "[[all]]\nname = \"vote\"\nmodel = \"tiny/at\"\nstack = [{ use = \"smoothing\" }]\n");
    write(file("defense", "adversarial_training"),
          "[[all]]\nname = \"AT\"\nmodel = \"tiny/at\"\ndataset = \"tiny\"\n"
          "[[all]]\nname = \"other AT\"\nmodel = \"nowhere/at\"\ndataset = \"absent\"\n");
  }
  static std::string file(const std::string& kind, const std::string& name) {
    return "presets/" + kind + "s/" + name + ".toml";
  }
};

TEST_F(Presets, GiveEveryAttackAndRowThatFitsTheData) {
  const suite::Suite suite = read(kAll + "attack = \"all\"\ndefense = \"all\"\n");
  EXPECT_THAT(names_of(suite.attacks),
              ElementsAre("fgsm", "pgd-5", "crossed[steps=1]", "crossed[steps=2]"));
  EXPECT_EQ(suite.attacks[1].params.at("steps"), ParamValue(5));
  EXPECT_THAT(names_of(suite.defenses), ElementsAre("AT", "vote"));
  EXPECT_EQ(suite.defenses[1].stack.at(0).plugin, "smoothing");
  EXPECT_EQ(suite.cells.size(), 8u);
}

TEST_F(Presets, StandBesideRowsOfTheSuite) {
  const suite::Suite suite = read(
      kAll +
      "attack = \"all\"\ndefense = [\"all\", { name = \"none\", model = \"tiny/standard\" }]\n");
  EXPECT_THAT(names_of(suite.defenses), ElementsAre("AT", "vote", "none"));
}

TEST_F(Presets, CanBeSetAndFilteredLikeWhatASuiteWrites) {
  const std::string text = kAll + "attack = \"all\"\ndefense = \"all\"\n";
  EXPECT_EQ(read(text, {{"attack.pgd-5.steps=7"}, {}}).attacks[1].params.at("steps"),
            ParamValue(7));
  EXPECT_THAT(names_of(read(text, {{}, {"attack=fgsm"}}).attacks), ElementsAre("fgsm"));
  const std::string own = suite_text("pgd = { use = \"pgd\" }\n");
  EXPECT_THAT(names_of(read(own, {{"defense=all"}, {}}).defenses), ElementsAre("AT", "vote"));
}

TEST_F(Presets, OfASetArePartOfItsSubset) {
  std::filesystem::copy(golden_suites() / "registry", "registry",
                        std::filesystem::copy_options::recursive);
  std::ifstream entry(golden_suites() / "registry/datasets/tiny.toml");
  write("registry/datasets/tiny.toml",
        "subset_of = \"absent\"\n" + std::string(std::istreambuf_iterator<char>(entry), {}));
  registry_ = registry::Registry("registry", {});
  write(file("defense", "adversarial_training"),
        "[[all]]\nname = \"AT\"\nmodel = \"tiny/at\"\ndataset = \"absent\"\n");
  EXPECT_THAT(names_of(read(kAll + "attack = \"all\"\ndefense = \"all\"\n").defenses),
              ElementsAre("AT", "vote"));
}

TEST_F(Presets, AreNoPartOfASuiteThatIncludesThem) {
  const suite::Suite suite = read("include = \"presets/attacks/pgd.toml\"\n" + kAll + kRow);
  EXPECT_THAT(names_of(suite.attacks), ElementsAre("long"));
}

TEST_F(Presets, StandBesideRowsOfIncludedFiles) {
  write("base.toml", "defense = \"all\"\n");
  const suite::Suite suite = read("include = \"base.toml\"\n" + kAll + "attack = \"all\"\n" + kRow);
  EXPECT_THAT(names_of(suite.defenses), ElementsAre("AT", "vote", "none"));
}

TEST_F(Presets, AreNotAllWhereAPluginIsRefused) {
  FixedCatalogue catalogue;
  catalogue.refused = {"old.so: built for another ABI."};
  write("suite.toml", kAll + "attack = \"all\"\n" + kRow);
  try {
    suite::read_suite("suite.toml", {}, catalogue, registry_);
    FAIL() << "the suite was read";
  } catch (const BadInput& problem) {
    EXPECT_STREQ(problem.what(),
                 "suite.toml:5:10: attack = \"all\": old.so: built for another ABI.");
  }
}

TEST_F(Presets, ThatAreAbsentOrWrongAreProblems) {
  const std::string text = kAll + "attack = \"all\"\n" + kRow;
  std::filesystem::remove(file("attack", "nattack"));
  EXPECT_THAT(error(text),
              HasSubstr("suite.toml:5:10: attack = \"all\": attack plugin 'nattack' has "
                        "no preset, expected a table [all.NAME] in " +
                        file("attack", "nattack")));
  write(file("attack", "nattack"), "[attack.n]\nuse = \"nattack\"\n");
  EXPECT_THAT(error(text), HasSubstr("attack plugin 'nattack' lacks a table"));
  write(file("attack", "nattack"), "[all.n]\nuse = \"nattack\"\ndataset = \"tinyy\"\n");
  EXPECT_THAT(error(text),
              HasSubstr(file("attack", "nattack") +
                        ":3:11: all: the registry has no data set 'tinyy', did you mean "
                        "'tiny'?"));
  write(file("attack", "nattack"), "[all.fgsm]\nuse = \"nattack\"\n");
  EXPECT_THAT(error(text), HasSubstr("another preset has an attack 'fgsm'"));
  write(file("attack", "nattack"), "[all.n]\nuse = \"nattack\"\nstepz = 2\n");
  EXPECT_THAT(error(text), HasSubstr(file("attack", "nattack") + ":3:"));
  write(file("attack", "nattack"), "[all.n\n");
  EXPECT_THAT(error(text), HasSubstr(file("attack", "nattack") + ":1:"));
}

}  // namespace
}  // namespace gauntlet
