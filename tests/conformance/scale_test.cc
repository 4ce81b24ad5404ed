// A network that is surer of the same answers withstands no more.
#include <gtest/gtest.h>

#include <functional>

#include "evaluation/craft.h"
#include "shipped_attacks.h"

namespace gauntlet {
namespace {
using namespace toys;

const std::vector<int64_t> kScaleImage = {1, 6, 8};
constexpr int64_t kScaleSamples = 200;

// One network with its logits times `scale`, and a source whose logits are scaled alike.
struct Pair {
  Pair(int64_t classes, double scale)
      : target(toy(curved(kScaleImage, classes, 1, scale))),
        source(toy(curved(kScaleImage, classes, 2, scale))) {
    environment.models["other"] = source.model.get();
  }
  Toy target, source;
  ToyEnvironment environment;
};

class Scale : public ::testing::Test {
 protected:
  // [N] whether the image withstands the attack.
  static Tensor withstands(const Candidate& c, const ThreatModel& threat, Pair& pair,
                           const evaluation::CraftRules& rules) {
    const evaluation::CraftBatch batch = batch_of(*pair.target.model, kScaleSamples);
    const Tensor x = craft(*c.attack, *pair.target.model, batch, threat, rules, pair.environment).x;
    return pair.target.model->bare_logits(x).argmax(1) == batch.y;
  }

  // transfer brings its source a loss of its own: here the margin. A retry of pgd begins at another
  // random point: here at the input, with steps that cross the ball.
  static std::vector<Candidate> candidates() {
    std::vector<Candidate> all = attacks(12);
    for (Candidate& c : all) {
      if (c.name == "pgd") c.attack = attack("pgd", {{"steps", 30}, {"start", "input"}});
      if (c.name == "transfer")
        c.attack = attack("transfer", {{"source", "other"},
                                       {"attack", ParamMap{{"use", "pgd"}, {"loss", "margin"}}}});
    }
    return all;
  }

  static void expect_equal(int64_t classes, const evaluation::CraftRules& rules,
                           const std::function<bool(const Candidate&)>& which) {
    const TargetFacts facts{classes, false, false, false};
    Pair usual(classes, 1), surer(classes, 30), surest(classes, 1000);
    const std::vector<std::pair<Norm, double>> threats = {{Norm::kLinf, 0.08}, {Norm::kL2, 0.6}};
    int attacks_seen = 0;
    for (const Candidate& c : candidates())
      for (const auto& [norm, epsilon] : threats) {
        const ThreatModel threat = threat_of(norm, epsilon);
        if (!which(c) || !c.attack->no_form_for(threat, facts, Goal::kUntargeted).empty()) continue;
        SCOPED_TRACE(c.name + " in norm " + std::to_string(int(norm)));
        const Tensor plain = withstands(c, threat, usual, rules);
        ++attacks_seen;
        for (Pair* sure : {&surer, &surest}) {
          const Tensor same = withstands(c, threat, *sure, rules) == plain;
          EXPECT_LE(kScaleSamples - same.sum().item<int64_t>(), 1);
        }
        if (c.name != "pgd") continue;
        EXPECT_LT(plain.sum().item<int64_t>(), 190) << "else there is little to tell apart";
        EXPECT_GT(plain.sum().item<int64_t>(), 0);
      }
    EXPECT_GE(attacks_seen, 6);
  }
};

TEST_F(Scale, OutcomesDoNotDependOnTheScaleOfTheLogitsUnderTheMarginLoss) {
  evaluation::CraftRules rules;
  rules.loss = margin(Goal::kUntargeted);
  expect_equal(4, rules, [](const Candidate&) { return true; });
}

// With the losses of their own that are no cross-entropy.
TEST_F(Scale, NorUnderTheLossesOfAttacksThatFollowMargins) {
  const std::set<std::string> follow = {"cw", "multitargeted", "nattack", "fab", "random_noise"};
  expect_equal(4, {}, [&](const Candidate& c) { return follow.count(c.name) > 0; });
}

// Cross-entropy of a sure network is exactly 0: what it says nothing of is tried again on the
// margin loss. Of two classes both losses point the same way; among more they need not.
TEST_F(Scale, NorUnderCrossEntropyWithItsRetry) {
  evaluation::CraftRules rules;
  rules.retry = true;
  expect_equal(2, rules, [](const Candidate&) { return true; });
}

}  // namespace
}  // namespace gauntlet
