// Plugins that do wrong are told so, and nothing they do makes a defense look robust.
#include <gtest/gtest.h>

#include "evaluation/craft.h"
#include "evaluation/judge.h"
#include "tests/toys/toy_model.h"

namespace gauntlet {
namespace {
using namespace toys;

const std::vector<int64_t> kLyingImage = {1, 5, 6};

class Misbehaviour : public ::testing::Test {
 protected:
  evaluation::Crafted run(const std::string& name, evaluation::DefendedModel& model,
                          evaluation::CraftRules rules = {}, double epsilon = 0.05) {
    const auto plugin = attack(name, {}, "test_plugins");
    return craft(*plugin, model, batch_, threat_of(Norm::kLinf, epsilon), rules, environment_);
  }
  evaluation::Crafted run(const std::string& name) { return run(name, *toy_.model); }

  template <class Error>
  std::string message(const std::string& name) {
    try {
      run(name);
    } catch (const Error& error) {
      return error.what();
    }
    return "nothing was thrown";
  }

  Toy toy_ = toy(linear(kLyingImage, 3, 0.2));
  evaluation::CraftBatch batch_ = batch_of(*toy_.model, 12);
  ToyEnvironment environment_;
};

TEST_F(Misbehaviour, LeavingTheBallIsInvalid) { EXPECT_THROW(run("leaves_ball"), InvalidResult); }
TEST_F(Misbehaviour, LeavingTheBoxIsInvalid) {
  batch_.x[0].fill_(0.01);
  batch_.y = toy_.model->bare_logits(batch_.x).argmax(1);
  EXPECT_THROW(run("leaves_box"), InvalidResult);
}
TEST_F(Misbehaviour, NotANumberIsInvalid) { EXPECT_THROW(run("returns_nan"), InvalidResult); }
TEST_F(Misbehaviour, AWrongShapeIsInvalid) {
  EXPECT_NE(message<InvalidResult>("wrong_shape").find("[11, 1, 5, 6]"), std::string::npos);
}
TEST_F(Misbehaviour, WhatItThrowsArrives) {
  EXPECT_EQ(message<std::runtime_error>("throws"), "the attack gave up");
}
TEST_F(Misbehaviour, AskingForMoreThanDeclaredIsAnAccessError) {
  const std::string message = this->message<AccessError>("oversteps");
  EXPECT_NE(message.find("gradient"), std::string::npos) << message;
  EXPECT_NE(message.find("score"), std::string::npos) << message;
}
TEST_F(Misbehaviour, NeverAskingIsNoticed) {
  EXPECT_FALSE(run("never_queries").asked);
  EXPECT_EQ(attack("never_queries", {}, "test_plugins")->facts().access, Access::kScore);
}
TEST_F(Misbehaviour, ABudgetEndsAnEndlessAttack) {
  evaluation::CraftRules rules;
  rules.max_queries = 10;
  const evaluation::Crafted result = run("spends_budget", *toy_.model, rules);
  EXPECT_TRUE(torch::equal(result.queries, torch::full({12}, 10, torch::kLong)));
  EXPECT_TRUE(torch::equal(result.x, batch_.x));  // what it asked last
}

TEST_F(Misbehaviour, NoiseThatCouplesRowsIsFoundWhetherOrNotItIsAdmitted) {
  for (const bool admits : {true, false}) {
    const Toy coupled =
        toy(linear(kLyingImage, 3, 0.2),
            {defense("couples_rows", {{"admits", admits}, {"strength", 1}}, "test_plugins")});
    EXPECT_TRUE(coupled.model->couples_rows()) << admits;
    EXPECT_TRUE(coupled.model->stochastic());
  }
}

// Gradients of the negative image: what is tracked and confirmed is the real defense all the same.
TEST_F(Misbehaviour, AFalseSurrogateChangesNoVerdict) {
  const Toy lying = toy(linear(kLyingImage, 3, 0.2), {},
                        {{"false_surrogate", defense("false_surrogate", {}, "test_plugins")}});
  ASSERT_TRUE(lying.model->surrogate());
  const auto pgd = attack("pgd", {{"steps", 10}, {"step_size", 0.05}});
  const ThreatModel threat = threat_of(Norm::kLinf, 0.3);
  evaluation::CraftRules compact, whole;
  whole.compact = false;
  const evaluation::Crafted a = craft(*pgd, *lying.model, batch_, threat, compact, environment_);
  const evaluation::Crafted b = craft(*pgd, *lying.model, batch_, threat, whole, environment_);
  EXPECT_TRUE(torch::equal(a.x, b.x));
  EXPECT_TRUE(torch::equal(a.confirmed, b.confirmed));
  // Confirmed means confirmed by the network itself.
  const Tensor wrong = toy_.model->bare_logits(a.x).argmax(1) != batch_.y;
  EXPECT_FALSE((a.confirmed & wrong.logical_not()).any().item<bool>());
}

// BPDA: rounding hides the gradient, the identity as its backward path gives it back.
TEST_F(Misbehaviour, RoundingIsNoDefenseAgainstItsSurrogate) {
  const auto rounding = defense("rounding", {{"levels", 16}}, "test_plugins");
  const Toy rounded = toy(linear(kLyingImage, 3, 0.2), {}, {{"rounding", rounding}});
  ASSERT_TRUE(rounded.model->surrogate());
  const auto pgd = attack("pgd", {{"steps", 20}, {"step_size", 0.05}});
  const evaluation::CraftBatch batch = batch_of(*toy_.model, 40);
  const ThreatModel threat = threat_of(Norm::kLinf, 0.3);
  const auto won = [&](evaluation::DefendedModel& model) {
    return craft(*pgd, model, batch, threat, {}, environment_).confirmed.sum().item<int64_t>();
  };
  EXPECT_GE(won(*rounded.model), won(*toy_.model) - 2);
}

TEST_F(Misbehaviour, ADetectorsRefusalIsNoWinForTheAttack) {
  const auto squeezing = defense("squeezing", {{"bits", 2}}, "test_plugins");
  dynamic_cast<Fits&>(*squeezing).state["threshold"] = torch::tensor(-1.f);  // refuses everything
  const Toy t = toy(linear(kLyingImage, 3, 0.2), {}, {{"squeezing", squeezing}});
  ASSERT_TRUE(t.model->refuses() && t.model->suggests());
  EXPECT_TRUE((t.model->decide(batch_.x, noise_of(12)).answer == -1).all().item<bool>());
  const auto pgd = attack("pgd", {{"steps", 5}, {"step_size", 0.05}});
  const evaluation::Crafted result =
      craft(*pgd, *t.model, batch_, threat_of(Norm::kLinf, 0.3), {}, environment_);
  EXPECT_FALSE(result.confirmed.any().item<bool>());
}

}  // namespace
}  // namespace gauntlet
