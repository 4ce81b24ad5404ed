// Attacks that name a preset.
#include "suite_fixture.h"

namespace gauntlet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class NamedPresets : public SuiteTest {
 protected:
  void SetUp() override {
    SuiteTest::SetUp();
    write("presets/attacks/pgd.toml",
          "[attack.pgd-long]\nuse = \"pgd\"\nsteps = 900\nrestarts = 3\n"
          "[attack.pgd-margin]\nbase = \"pgd-long\"\nloss = \"margin\"\n"
          "[all.pgd]\nuse = \"pgd\"\n");
    write("presets/attacks/several.toml",
          "[attack.both]\nuse = \"several\"\nmembers = [{ use = \"fgsm\" }]\n");
  }
};

TEST_F(NamedPresets, StandForTheirTable) {
  const suite::Suite suite = read(suite_text("aa = \"both\"\nlong = \"pgd-long\"\n"));
  EXPECT_THAT(names_of(suite.attacks), ElementsAre("aa", "long"));
  EXPECT_EQ(suite.attacks[0].plugin, "several");
  EXPECT_EQ(suite.attacks[1].params.at("steps"), ParamValue(900));
  EXPECT_EQ(suite.attacks[1].host.restarts, 3);
  EXPECT_EQ(suite.attacks[1].entry, "long");
}

TEST_F(NamedPresets, MayBeABase) {
  const suite::Suite suite =
      read(suite_text("few = { base = \"pgd-long\", samples = 2, steps = 7 }\n"
                      "pgd-margin = { base = \"pgd-margin\", samples = 1 }\n"
                      "steps = { base = \"few\", cross = { steps = [1, 2] } }\n"));
  EXPECT_THAT(names_of(suite.attacks),
              ElementsAre("few", "pgd-margin", "steps[steps=1]", "steps[steps=2]"));
  EXPECT_EQ(suite.attacks[0].params.at("steps"), ParamValue(7));
  EXPECT_EQ(suite.attacks[0].host.samples, 2);
  EXPECT_EQ(suite.attacks[1].params.at("loss"), ParamValue("margin"));
  EXPECT_EQ(suite.attacks[1].params.at("steps"), ParamValue(900)) << "a base inside the preset";
  EXPECT_EQ(suite.attacks[3].host.restarts, 3);
}

TEST_F(NamedPresets, GiveWayToAttacksOfTheSuite) {
  const suite::Suite suite =
      read(suite_text("pgd-long = { use = \"fgsm\" }\nother = { base = \"pgd-long\" }\n"));
  EXPECT_EQ(suite.attacks[1].plugin, "fgsm");
}

TEST_F(NamedPresets, CanBeSetOnTheCommandLine) {
  const std::string text = suite_text("fgsm = { use = \"fgsm\" }\n");
  const suite::Suite suite =
      read(text, {{"attack.aa=pgd-long", "attack.aa.steps=4", "attack.aa.samples=2"}, {}});
  EXPECT_THAT(names_of(suite.attacks), ElementsAre("fgsm", "aa"));
  EXPECT_EQ(suite.attacks[1].params.at("steps"), ParamValue(4));
  EXPECT_EQ(suite.attacks[1].host.samples, 2);
}

TEST_F(NamedPresets, ThatAreNoneGetTheNearest) {
  EXPECT_THAT(error(suite_text("aa = \"pgd-lonk\"\n")),
              HasSubstr("suite.toml:7:6: attack 'aa': there is no preset 'pgd-lonk', did you mean "
                        "'pgd-long'?"));
  EXPECT_THAT(error(suite_text("aa = \"pgd\"\n")),
              HasSubstr("there is no preset 'pgd', the plugin is written { use = \"pgd\" }"));
  EXPECT_THAT(error(suite_text("aa = { base = \"nowhere\" }\n")),
              HasSubstr("attack 'aa': base: there is no attack 'nowhere'"));
  EXPECT_THAT(error(suite_text("aa = { base = \"pgd-long\", use = \"fgsm\" }\n")),
              HasSubstr("'use' and 'base' cannot both be given"));
  EXPECT_THAT(error(suite_text("aa = { base = \"pgd-lonk\" }\n")),
              HasSubstr("attack 'aa': base: there is no attack 'pgd-lonk', did you mean "
                        "'pgd-long'?"));
  EXPECT_THAT(error(suite_text("aa = { base = \"owm\" }\nown = { use = \"fgsm\" }\n")),
              HasSubstr("there is no attack 'owm', did you mean 'own'?"))
      << "attacks of the suite go first";
  EXPECT_THAT(error(suite_text("aa = 3\n")),
              HasSubstr("attack 'aa': 3 is not a table, expected { use = \"name\", … } or the name "
                        "of a preset"));
  EXPECT_THAT(error(suite_text("aa = { use = \"pgd-long\" }\n")),
              HasSubstr("suite.toml:7:14: attack 'aa': 'pgd-long' is a preset, expected an attack "
                        "plugin; write attack.NAME = \"pgd-long\", or { base = \"pgd-long\", … }"));
}

TEST_F(NamedPresets, OfTwoPluginsAreTold) {
  write("presets/attacks/fgsm.toml", "[attack.both]\nuse = \"fgsm\"\n");
  EXPECT_THAT(error(suite_text("aa = \"both\"\n")),
              HasSubstr("'both' is a preset of 'fgsm' and of 'several'"));
}

TEST_F(NamedPresets, MistakesInsideAreThoseOfTheirFile) {
  write("presets/attacks/fgsm.toml", "[attack.quick]\nuse = \"fgsm\"\nsteps = 3\n");
  EXPECT_THAT(error(suite_text("aa = \"quick\"\n")), HasSubstr("presets/attacks/fgsm.toml:3:1"));
  write("presets/attacks/fgsm.toml", "[attack.quick\n");
  EXPECT_THAT(error(suite_text("aa = \"quick\"\n")), HasSubstr("presets/attacks/fgsm.toml:1:"));
}

TEST_F(NamedPresets, AreReadOnlyWhereOneIsNamed) {
  write("presets/attacks/fgsm.toml", "[attack.quick\n");
  EXPECT_EQ(error(suite_text("a = { use = \"fgsm\" }\nb = { base = \"a\" }\n")), "");
}

}  // namespace
}  // namespace gauntlet
