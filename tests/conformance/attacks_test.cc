// What every attack promises, asked of every attack that ships, by what `gauntlet plugins check`
// asks. Attacks are found in the plugin folder: a new one is held to the same.
#include "conformance/attacks.h"

#include <gtest/gtest.h>

#include "shipped_attacks.h"

namespace gauntlet {
namespace {
using namespace toys;
using State = Answer::State;

class AttackConformance : public ::testing::Test {
 protected:
  // At least `asked` of the attacks claim it, and none breaks it.
  static void expect_kept(const std::string& promise, int64_t asked = 9) {
    for (const auto& file : attack_files()) {
      SCOPED_TRACE(file.stem());
      const Answer answer = ask_attack(under_test(file, &Entry::attack), promise);
      EXPECT_NE(answer.state, State::kBroken) << answer.why;
      asked -= answer.state == State::kKept;
    }
    EXPECT_LE(asked, 0) << "it was asked of too few";
  }
};

TEST_F(AttackConformance, FindsThem) {
  std::set<std::string> names;
  for (const auto& file : attack_files()) names.insert(file.stem());
  for (const char* name : {"cw", "ddn", "external", "fab", "fgsm", "multitargeted", "nattack",
                           "pgd", "random_noise", "transfer"})
    EXPECT_TRUE(names.count(name)) << name;
}

TEST_F(AttackConformance, IsMade) { expect_kept("is made and says what it is", 10); }
TEST_F(AttackConformance, ComesToAnEnd) { expect_kept("comes to an end"); }
// Two of them say that they ask nothing.
TEST_F(AttackConformance, AsksTheModel) { expect_kept("asks the model", 7); }
TEST_F(AttackConformance, LeavesTheProcessAlone) {
  expect_kept("leaves settings of the process alone");
}
TEST_F(AttackConformance, StaysInsideBallAndBox) {
  expect_kept("gives finite images inside ball and box");
}
TEST_F(AttackConformance, WithTrackingToo) {
  expect_kept("stays inside them while hits are tracked");
}
TEST_F(AttackConformance, EpsilonZeroChangesNothing) {
  expect_kept("changes nothing where epsilon is 0");
}
TEST_F(AttackConformance, EverySampleHasItsOwnEpsilon) {
  expect_kept("takes an epsilon for each sample");
}
TEST_F(AttackConformance, SameSeedSameAnswer) {
  expect_kept("gives the same answer to the same seed");
}
TEST_F(AttackConformance, BatchesCanBeCutAnywhere) {
  expect_kept("gives the same answer however batches are cut");
}
TEST_F(AttackConformance, HostMayShuffleRows) {
  expect_kept("gives the same answer in whatever order rows are computed");
}
TEST_F(AttackConformance, CompactionChangesNoVerdict) {
  expect_kept("gives the same verdicts where decided rows are left out");
}
TEST_F(AttackConformance, RandomizedModelsGiveTheSameAnswerInAnyBatch) {
  expect_kept("gives the same answer in any batch against a randomized model");
}
TEST_F(AttackConformance, ModelAndInputsAreAsBefore) {
  expect_kept("leaves network and images as they were");
}
TEST_F(AttackConformance, AConstantModelIsSurvived) {
  expect_kept("survives a model that always answers the same");
}
TEST_F(AttackConformance, TwoClassesAndColourImages) {
  expect_kept("takes two classes and colour images");
}
TEST_F(AttackConformance, OnePixelIsAnImage) { expect_kept("takes an image of one pixel"); }
TEST_F(AttackConformance, APromisedPrefixIsOne) {
  expect_kept("begins a longer run as a shorter one", 1);
}
TEST_F(AttackConformance, ABudgetIsKept) { expect_kept("keeps within a budget of queries"); }
TEST_F(AttackConformance, GoalsAreFollowed) { expect_kept("follows its goal", 3); }

TEST_F(AttackConformance, EveryPromiseIsAskedHere) {
  EXPECT_EQ(attack_promises().size(), 20u) << "add the new one above";
  EXPECT_THROW(ask_attack(under_test(attack_files()[0], &Entry::attack), "flies"),
               std::out_of_range);
}

}  // namespace
}  // namespace gauntlet
