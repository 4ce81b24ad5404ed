// What is averaged over the draws of a query: the loss (EPGD) or the probabilities (SmoothAdv).
#include <gtest/gtest.h>

#include "evaluation/craft.h"
#include "tests/toys/toy_model.h"

namespace gauntlet {
namespace {
using namespace toys;

// Asks for the loss of the clean images, by both averages, on the same draws.
struct Asks final : Attack {
  int64_t draws = 8;
  Tensor of_loss, of_probability;  // [N]
  AttackFacts facts() const override { return {.access = Access::kScore}; }
  Tensor run(Target& target, const Task& task) override {
    Query query{.draws = draws, .average = Average::kLoss, .noise = Draw::kFixed, .key = 1};
    of_loss = target.losses(task.x, cross_entropy(task.goal), query);
    query.average = Average::kProbability;
    of_probability = target.losses(task.x, cross_entropy(task.goal), query);
    return task.x;
  }
};
void ask(Asks& asks, const Toy& t) {
  const evaluation::CraftBatch batch = batch_of(*t.model, 40);
  ToyEnvironment environment;
  craft(asks, *t.model, batch, threat_of(Norm::kLinf, 0.1), {}, environment);
}
Toy faint() {
  return toy(curved({1, 5, 6}, 4), {}, {{"smoothing", defense("smoothing", {{"sigma", 0.3}})}});
}

// -log is convex (Jensen).
TEST(Expectation, LossOfTheMeanProbabilityIsAtMostTheMeanLoss) {
  for (const Toy& t : {faint(), toy(curved({1, 5, 6}, 4), {defense("pni")})}) {
    Asks asks;
    ask(asks, t);
    EXPECT_LE((asks.of_probability - asks.of_loss).max().item<double>(), 1e-5);
    EXPECT_GT((asks.of_loss - asks.of_probability).mean().item<double>(), 1e-3);
  }
}

TEST(Expectation, OfOneDrawBothAreOne) {
  Asks asks;
  asks.draws = 1;
  ask(asks, faint());
  EXPECT_TRUE(torch::allclose(asks.of_probability, asks.of_loss, 1e-5, 1e-6));
}

}  // namespace
}  // namespace gauntlet
