// Attacks inside of attacks, and attacks for one division, before they run.
#include "evaluation/attack_facts.h"

#include <gtest/gtest.h>

#include "evaluation/division.h"
#include "tests/support/laboratory_fixture.h"
#include "tests/toys/toy_model.h"

namespace gauntlet {
namespace {
using namespace toys;

class InnerAttacks : public ::testing::Test {
 protected:
  static Use ensemble(const std::vector<Use>& members) {
    return {"ensemble", {{"members", detail::ParamTraits<std::vector<Use>>::wrap(members)}}};
  }
  std::vector<std::string> remarks(const Use& attack) const {
    return evaluation::remarks_of(attack, linf_, facts_, Goal::kUntargeted, plugins_);
  }
  std::string unsupported(const Use& attack) const {
    return evaluation::unsupported_inside(attack, linf_, facts_, Goal::kUntargeted, plugins_);
  }

  const library::PluginLibrary plugins_ = gauntlet::testing::shipped_plugins();
  const ThreatModel linf_ = threat_of(Norm::kLinf, 0.1);  // ddn is for L2
  const TargetFacts facts_ = {.classes = 10};
};

TEST_F(InnerAttacks, OfAListThoseWithoutAFormAreLeftOutAndTold) {
  const std::string why = plugins_.attack("ddn", {})->unsupported(linf_, facts_, Goal::kUntargeted);
  ASSERT_NE(why, "");
  const Use some = ensemble({{"fgsm"}, {"ddn"}});
  EXPECT_EQ(unsupported(some), "");
  EXPECT_EQ(remarks(some), (std::vector<std::string>{"members: ddn is left out: " + why}));
  EXPECT_EQ(remarks(ensemble({{"ddn"}, {"fgsm"}, {"ddn"}})).size(), 1u) << "told once";
}

TEST_F(InnerAttacks, OfAListOneWithAFormIsEnough) {
  const std::string why = plugins_.attack("ddn", {})->unsupported(linf_, facts_, Goal::kUntargeted);
  EXPECT_EQ(unsupported(ensemble({{"ddn"}, {"ddn"}})), "members: ddn: " + why);
  EXPECT_EQ(unsupported(ensemble({{"fgsm"}})), "");
}

TEST_F(InnerAttacks, ASingleOneIsNeeded) {
  const Use over_ddn = {"multitargeted", {{"attack", ParamMap{{"use", "ddn"}}}}};
  EXPECT_NE(unsupported(over_ddn).find("attack: ddn: "), std::string::npos);
  // A member that needs one it cannot have is a mistake of the suite, not left out in silence.
  EXPECT_NE(unsupported(ensemble({{"fgsm"}, over_ddn})).find("attack: ddn: "), std::string::npos);
}

TEST_F(InnerAttacks, ThatDoNotListTheThreatHaveNoFormForIt) {
  const ThreatModel few = threat_of(Norm::kL0, 3);
  const std::string why = "it has no form for the threat l0, only for linf, l2, l1";
  const auto unfit = [&](const Use& attack) {
    return evaluation::unsupported_inside(attack, few, facts_, Goal::kUntargeted, plugins_);
  };
  EXPECT_EQ(unfit(ensemble({{"fgsm"}})), "members: fgsm: " + why);
  EXPECT_EQ(unfit(ensemble({{"fgsm"}, {"pgd"}})), "");
  EXPECT_EQ(evaluation::remarks_of(ensemble({{"fgsm"}, {"pgd"}}), few, facts_, Goal::kUntargeted,
                                   plugins_),
            (std::vector<std::string>{"members: fgsm is left out: " + why}));
}

TEST_F(InnerAttacks, RemarksOfMembersAreTold) {
  const Use slow = {"pgd", {{"steps", 2}, {"step_size", 0.001}}};
  const auto told = remarks(ensemble({{"fgsm"}, slow}));
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].rfind("members: pgd: 2 steps of 0.001 reach", 0), 0u) << told[0];
}

TEST(Divisions, AnAttackOfAnotherOneSaysWhichItIsFor) {
  const Toy fixed = toy(curved({1, 5, 6}, 4));
  const Toy drawn = toy(curved({1, 5, 6}, 4), {}, {{"smoothing", defense("smoothing")}});
  const Toy sure =
      toy(curved({1, 5, 6}, 4), {}, {{"randomized_smoothing", defense("randomized_smoothing")}});
  const auto fits = [](Division division, const Toy& t) {
    return evaluation::division_mismatch(division, *t.model).empty();
  };
  EXPECT_TRUE(fits(Division::kDeterministic, fixed));
  EXPECT_FALSE(fits(Division::kDeterministic, drawn));
  EXPECT_FALSE(fits(Division::kRandomized, fixed));
  EXPECT_TRUE(fits(Division::kRandomized, drawn));
  EXPECT_TRUE(fits(Division::kRandomized, sure));
  EXPECT_TRUE(fits(Division::kCertified, sure));
  EXPECT_FALSE(fits(Division::kCertified, drawn));
  EXPECT_EQ(evaluation::division_mismatch(Division::kRandomized, *fixed.model),
            "it is for randomized rows, this one's answers never differ");
}

}  // namespace
}  // namespace gauntlet
