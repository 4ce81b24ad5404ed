// A detector whose own loss reads what it was fitted with and asks the defended model.
#include <gtest/gtest.h>

#include <limits>

#include "tests/toys/toy_model.h"

namespace gauntlet {
namespace {
using namespace toys;

// An attack of one query for losses in each round.
struct AsksForLosses final : Attack {
  Tensor of_suggested;  // [N]
  AttackFacts facts() const override { return {.access = Access::kScore}; }
  Tensor run(Target& target, const Task& task) override {
    const Tensor loss = target.losses(task.x, task.loss_or(margin));
    if (task.loss) of_suggested = loss;
    return task.x;
  }
};

TEST(SuggestedLossOfAPlugin, ReadsItsFittedStateAndTheModel) {
  const std::vector<int64_t> image = {1, 5, 6};
  const auto detector = defense("far_logits", {}, "test_plugins");
  const Toy t = toy(linear(image, 3, 0.2));
  const evaluation::CraftBatch batch = batch_of(*t.model, 12), typical = batch_of(*t.model, 3, 77);
  // As fit() leaves them; nothing is refused.
  auto& state = dynamic_cast<Fits&>(*detector).state;
  state["images"] = typical.x;
  state["logits"] = t.model->bare_logits(typical.x);
  state["threshold"] = torch::tensor(1e6f);
  const Toy guarded = toy(t.network, {}, {{"far_logits", detector}});
  for (const Goal goal : {Goal::kUntargeted, Goal::kTargeted}) {
    evaluation::CraftBatch own = batch;
    if (goal == Goal::kTargeted) own.target = (batch.y + 1).remainder(3);
    evaluation::CraftRules rules;
    rules.goal = goal;
    AsksForLosses attack;
    ToyEnvironment environment;
    craft(attack, *guarded.model, own, threat_of(Norm::kLinf, 0.1), rules, environment);
    const Tensor logits = t.model->bare_logits(batch.x);
    const Tensor others =
        logits.scatter(1, batch.y.unsqueeze(1), -std::numeric_limits<float>::infinity());
    const Tensor wanted = goal == Goal::kTargeted ? own.target : others.argmax(1);
    const Tensor expected = -(logits - state.at("logits").index_select(0, wanted)).square().sum(1);
    ASSERT_TRUE(attack.of_suggested.defined());
    EXPECT_TRUE(attack.of_suggested.allclose(expected, 1e-4, 1e-5));
  }
}

}  // namespace
}  // namespace gauntlet
