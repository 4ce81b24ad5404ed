// What every defense promises, asked of every defense that ships, by what `gauntlet plugins check`
// asks. Defenses are found in the plugin folder: a new one is held to the same.
#include "conformance/defenses.h"

#include <gtest/gtest.h>

#include <set>

#include "shipped_attacks.h"

namespace gauntlet {
namespace {
using namespace toys;
using State = Answer::State;

class DefenseConformance : public ::testing::Test {
 protected:
  static std::vector<std::filesystem::path> files() { return plugin_files("defenses"); }

  // At least `asked` of the defenses claim it, and none breaks it.
  static void expect_kept(const std::string& promise, int64_t asked) {
    for (const auto& file : files()) {
      SCOPED_TRACE(file.stem());
      const Answer answer = ask_defense(under_test(file, &Entry::defense), promise);
      EXPECT_NE(answer.state, State::kBroken) << answer.why;
      asked -= answer.state == State::kKept;
    }
    EXPECT_LE(asked, 0) << "it was asked of too few";
  }
};

TEST_F(DefenseConformance, FindsThem) {
  std::set<std::string> names;
  for (const auto& file : files()) names.insert(file.stem());
  for (const char* name :
       {"adversarial_training", "cni", "fast_adversarial_training", "free_adversarial_training",
        "mart", "pni", "randomized_smoothing", "rse", "smoothing", "trades"})
    EXPECT_TRUE(names.count(name)) << name;
}

TEST_F(DefenseConformance, IsMade) { expect_kept("is made and has an ability", 10); }
TEST_F(DefenseConformance, GivesFiniteAnswers) {
  expect_kept("gives finite answers of the right shape", 5);
}
TEST_F(DefenseConformance, LeavesTheProcessAlone) {
  expect_kept("leaves settings of the process alone", 5);
}
TEST_F(DefenseConformance, NetworkAndImagesAreAsBefore) {
  expect_kept("leaves network and images as they were", 5);
}
TEST_F(DefenseConformance, DrawsFromItsNoise) {
  expect_kept("draws from the noise it is given and nowhere else", 5);
}
TEST_F(DefenseConformance, KeepsNoState) { expect_kept("keeps no state between calls", 5); }
TEST_F(DefenseConformance, AnswersEachImageAlone) {
  expect_kept("answers each image alone, or says that it does not", 4);
}
TEST_F(DefenseConformance, GivesGradientsThatLeadUphill) {
  expect_kept("gives gradients that raise the loss", 5);
}
TEST_F(DefenseConformance, TwoClassesAndColourImages) {
  expect_kept("takes two classes and colour images", 5);
}
TEST_F(DefenseConformance, IsFittedAlike) {
  const std::filesystem::path file = build_folder() / "plugins/defenses/smoothing.so";
  DefenseUnderTest smoothing = under_test(file, &Entry::defense);
  smoothing.params = {{"sigmas", ParamList{0.0, 0.1}}};
  const Answer answer = ask_defense(smoothing, "is fitted alike from the same data");
  EXPECT_EQ(answer.state, State::kKept) << answer.why;
}
TEST_F(DefenseConformance, IsRestoredAlike) {
  const std::filesystem::path file = build_folder() / "plugins/defenses/smoothing.so";
  DefenseUnderTest smoothing = under_test(file, &Entry::defense);
  smoothing.params = {{"sigmas", ParamList{0.0, 0.1}}};
  const Answer answer = ask_defense(smoothing, "answers alike when what was fitted is restored");
  EXPECT_EQ(answer.state, State::kKept) << answer.why;
}
TEST_F(DefenseConformance, DrawsAlikeWhateverItsBallotsAloneRead) {
  expect_kept("draws alike whatever its ballots alone read", 2);
}
TEST_F(DefenseConformance, CertifiesWhatHolds) { expect_kept("certifies what holds", 1); }
// No defense that ships suggests one.
TEST_F(DefenseConformance, SuggestsALossThatCanBeClimbed) {
  for (const char* name : {"far_logits", "far_features", "squeezing"}) {
    const std::filesystem::path file =
        build_folder() / "test_plugins/defenses" / (std::string(name) + ".so");
    const Answer answer =
        ask_defense(under_test(file, &Entry::defense), "suggests a loss that attacks can climb");
    EXPECT_EQ(answer.state, State::kKept) << name << ": " << answer.why;
  }
}
TEST_F(DefenseConformance, TrainsANetwork) {
  expect_kept("trains a network, alike from the same seed", 8);
}

TEST_F(DefenseConformance, EveryPromiseIsAskedHere) {
  EXPECT_EQ(defense_promises().size(), 15u) << "add the new one above";
  EXPECT_THROW(ask_defense(under_test(files()[0], &Entry::defense), "flies"), std::out_of_range);
}

}  // namespace
}  // namespace gauntlet
