// Parameters that are lists of attacks.
#include "suite_fixture.h"

namespace gauntlet {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Members = SuiteTest;

std::string several(const std::string& members) {
  return "a = { use = \"several\", members = " + members + " }\n";
}

TEST_F(Members, AreCheckedAndCompletedInOrder) {
  const suite::Suite suite = read(suite_text(
      several("[{ use = \"pgd\", steps = 7, step_size = \"2/255\" }, { use = \"fgsm\" }, { use = "
              "\"transfer\", source = \"tiny/at\", attack = { use = \"pgd\", steps = 3 } }]")));
  const auto& list = *suite.attacks[0].params.at("members").get<ParamList>();
  ASSERT_EQ(list.size(), 3u);
  EXPECT_EQ(list[0], ParamValue(ParamMap{{"use", "pgd"},
                                         {"steps", 7},
                                         {"step_size", 2.0 / 255},
                                         {"start", "uniform"},
                                         {"loss", "cross_entropy"}}));
  EXPECT_EQ(list[1], ParamValue(ParamMap{{"use", "fgsm"}}));
  const auto& transfer = *list[2].get<ParamMap>();
  EXPECT_EQ(transfer.at("source"), ParamValue("tiny/at"));
  EXPECT_EQ(transfer.at("attack").get<ParamMap>()->at("start"), ParamValue("uniform"));
}

TEST_F(Members, DefaultsAreCompletedToo) {
  const suite::Suite suite = read(suite_text("a = { use = \"several\" }\n"));
  const auto& list = *suite.attacks[0].params.at("members").get<ParamList>();
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[1].get<ParamMap>()->at("steps"), ParamValue(5));
  EXPECT_EQ(list[1].get<ParamMap>()->at("loss"), ParamValue("cross_entropy"));
}

TEST_F(Members, MistakesNameTheListAndTheNearestName) {
  EXPECT_THAT(error(suite_text(several("[{ use = \"fgsm\" }, { use = \"pgdd\" }]"))),
              HasSubstr("attack 'a': members: there is no attack plugin 'pgdd', did you mean "
                        "'pgd'?"));
  EXPECT_THAT(error(suite_text(several("[{ use = \"pgd\", stepz = 3 }]"))),
              HasSubstr("suite.toml:7:50: attack 'a': members: unknown parameter 'stepz' of attack "
                        "plugin 'pgd', did you mean 'steps'?"));
  EXPECT_THAT(error(suite_text(several("[{ use = \"pgd\", steps = -1 }]"))),
              HasSubstr("members: steps: -1 is not in [0, 10000]"));
  EXPECT_THAT(
      error(suite_text(several("[{ use = \"pgd\", restarts = 2 }]"))),
      HasSubstr("members: unknown parameter 'restarts', 'repeats' of 'several' says how often each "
                "runs"));
  EXPECT_THAT(error(suite_text(several("[{ use = \"fgsm\" }, { use = \"multitargeted\", attack = "
                                       "{ use = \"pgd\", restarts = 2 } }]"))),
              Not(HasSubstr("'repeats' of")))
      << "an attack inside of a member";
  EXPECT_THAT(error(suite_text(several("[{ use = \"smoothing\" }]"))),
              HasSubstr("members: 'smoothing' is a plugin of kind defense, expected one of kind "
                        "attack"));
  EXPECT_THAT(error(suite_text(several("[{ use = \"transfer\" }]"))),
              HasSubstr("members: 'source' is missing"));
}

TEST_F(Members, WhatIsNoListIsTold) {
  EXPECT_THAT(error(suite_text(several("{ use = \"pgd\" }"))),
              HasSubstr("attack 'a': members: { use = \"pgd\" } is not a list of plugins: [{ use = "
                        "\"name\", … }, …], write [{ use = \"pgd\" }]"));
  EXPECT_THAT(error(suite_text(several("\"pgd\""))),
              HasSubstr("members: \"pgd\" is not a list of plugins"));
  EXPECT_THAT(error(suite_text(several("[{ steps = 3 }]"))),
              HasSubstr("members: [{ steps = 3 }] is not a list of plugins"));
}

TEST_F(Members, AnEmptyListIsRefused) {
  EXPECT_EQ(error(suite_text(several("[]"))).find("suite.toml:7:"), 0u);
  EXPECT_THAT(error(suite_text(several("[]"))),
              HasSubstr("attack 'a': members: is empty, expected at least one"));
  EXPECT_EQ(error(suite_text("a = { use = \"several\", repeats = [] }\n")), "")
      << "what is empty by itself may be";
}

TEST_F(Members, RunAsOftenAsThereAreNumbersForThem) {
  const auto told = [&](const std::string& repeats, const std::string& members) {
    return error(suite_text("a = { use = \"several\", repeats = " + repeats +
                            (members.empty() ? "" : ", members = " + members) + " }\n"));
  };
  const std::string one = "[{ use = \"fgsm\" }]";
  EXPECT_EQ(told("[1]", one), "");
  EXPECT_EQ(told("[2, 1]", ""), "") << "the plugin's own two";
  EXPECT_EQ(told("[1]", "").find("suite.toml:7:"), 0u);
  EXPECT_THAT(told("[1]", ""), HasSubstr("attack 'a': repeats: has 1 number, 'members' has 2 "
                                         "attacks, expected a number for each"));
  EXPECT_THAT(told("[1, 2]", one), HasSubstr("repeats: has 2 numbers, 'members' has 1 attack, "
                                             "expected a number for each"));
  EXPECT_THAT(error(suite_text("a = { use = \"several\", members = " + one + " }\n"),
                    {{"attack.a.repeats=[1,2]"}, {}}),
              HasSubstr("repeats: has 2 numbers, 'members' has 1 attack"));
}

TEST_F(Members, AllMistakesAreToldAtOnce) {
  const std::string told = error(
      suite_text(several("[{ use = \"pgd\", steps = -1 }, { use = \"nattack\", steps = 0 }]")));
  EXPECT_THAT(told, HasSubstr("-1 is not in"));
  EXPECT_THAT(told, HasSubstr("0 is not in"));
}

TEST_F(Members, CanBeCrossed) {
  const suite::Suite suite = read(suite_text(
      "a = { use = \"several\", cross = { members = [[{ use = \"fgsm\" }], [{ use = \"pgd\" }]] } "
      "}\n"));
  ASSERT_EQ(suite.attacks.size(), 2u);
  EXPECT_EQ(
      suite.attacks[1].params.at("members").get<ParamList>()->at(0).get<ParamMap>()->at("use"),
      ParamValue("pgd"));
}

}  // namespace
}  // namespace gauntlet
