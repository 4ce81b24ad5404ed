// Attacks that look for the smallest perturbation, on defenses that draw noise.
#include <cmath>

#include "evaluation/bounds.h"
#include "evaluation/judge.h"
#include "plugins/attacks/minimal_norm/minimal_norm.h"

namespace gauntlet {
namespace {
using namespace toys;

Toy noisy(double sigma = 0.05, const std::vector<int64_t>& image = kImage) {
  return toy(curved(image, 5), {}, {{"smoothing", defense("smoothing", {{"sigma", sigma}})}});
}
// Images that the box does not hold back in small balls: [0.3, 0.7].
evaluation::CraftBatch middle_batch(const Toy& t, int64_t n) {
  evaluation::CraftBatch batch = batch_of(*t.model, n);
  batch.x = 0.3 + 0.4 * batch.x;
  batch.y = t.model->bare_logits(batch.x).argmax(1);
  return batch;
}
// The share of single draws that are wrong on the clean images, [N].
Tensor clean_error(const Toy& t, const evaluation::CraftBatch& batch) {
  const int64_t draws = 200;
  const Noise noise = noise_of(batch.x.size(0), 77);
  Tensor wrong = torch::zeros({batch.x.size(0)});
  for (int64_t draw = 0; draw < draws; ++draw)
    wrong += t.model->pass(batch.x, noise.at(0, draw), models::Mode::kFolded).logits.argmax(1) !=
             batch.y;
  return wrong / double(draws);
}
// Fresh noise every query: what counts as a hit is what the query saw.
TEST(UnderNoise, TheNearestHitLiesAtTheBoundary) {
  const Toy t = noisy();
  ASSERT_TRUE(t.model->stochastic());
  const evaluation::CraftBatch batch = batch_of(*t.model, 20);
  const Tensor before = margins(t, batch, batch.x).abs();
  evaluation::CraftRules rules;
  rules.draws = 4;
  for (const Case& c : kCases) {
    const Tensor x = answer(c.attack, {{"under_noise", "nearest"}}, t, batch, c.norm, rules);
    const Tensor gap = margins(t, batch, x).abs();
    EXPECT_LT(gap.mean().item<double>(), 0.5 * before.mean().item<double>()) << c.attack;
  }
}

TEST(UnderNoise, ItsDirectionIsTakenToTheEdgeOfTheBall) {
  const Toy t = noisy();
  const evaluation::CraftBatch batch = middle_batch(t, 20);
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.attack + " in norm " + std::to_string(int(c.norm)));
    const double epsilon = c.norm == Norm::kL2 ? 0.4 : 0.08;
    const ThreatModel threat = threat_of(c.norm, epsilon);
    const Tensor edge = run(c.attack, c.params, *t.model, batch, threat).x;
    const Tensor nearest =
        run(c.attack, with(c.params, "under_noise", "nearest"), *t.model, batch, threat).x;
    EXPECT_NEAR(length(c.norm, batch, edge).max().item<double>(), epsilon, 1e-5);
    EXPECT_GE(length(c.norm, batch, edge).min().item<double>(), 0.9 * epsilon);
    EXPECT_GT(margins(t, batch, edge).mean().item<double>(),
              margins(t, batch, nearest).mean().item<double>());
  }
}

// Labels that most draws get wrong: nothing is to be searched for, and what a lucky draw points to
// must not make them right.
TEST(UnderNoise, WhatIsLostStaysLost) {
  const Toy t = noisy(0.3);
  evaluation::CraftBatch batch = middle_batch(t, 40);
  batch.y = (batch.y + 1) % 5;
  const auto right = [&](const Tensor& x) {
    return judge(*t.model, x, batch.y, batch.index, 3, evaluation::Stream::kScoring, 64)
        .right.to(torch::kFloat)
        .mean(0);
  };
  const Tensor before = right(batch.x);
  ASSERT_LT(before.mean().item<double>(), 0.3);
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.attack + " in norm " + std::to_string(int(c.norm)));
    const double epsilon = c.norm == Norm::kL2 ? 0.8 : 0.12;
    const Tensor x = run(c.attack, {{"steps", 40}}, *t.model, batch, threat_of(c.norm, epsilon)).x;
    // Of 8 draws by which the clean image is preferred, and 64 that count.
    EXPECT_LE(right(x).mean().item<double>(), before.mean().item<double>() + 0.01);
    EXPECT_LE((right(x) - before).max().item<double>(), 0.35);
  }
}

// The first query is of the clean image, or next to it: where that single draw is wrong, no nearer
// hit exists, and it shows no direction.
TEST(UnderNoise, ALuckyFirstDrawDoesNotEndTheSearch) {
  const Toy t = noisy(0.5);
  const evaluation::CraftBatch batch = middle_batch(t, 40);
  ASSERT_GT(clean_error(t, batch).mean().item<double>(), 0.05);
  for (const Case& c : kCases)
    for (const int restarts : {1, 2}) {
      SCOPED_TRACE(c.attack + " in norm " + std::to_string(int(c.norm)));
      const double epsilon = c.norm == Norm::kL2 ? 0.8 : 0.12;
      evaluation::CraftRules rules;
      rules.restarts = restarts;
      const Tensor x =
          run(c.attack, {{"steps", 80}}, *t.model, batch, threat_of(c.norm, epsilon), rules).x;
      const Tensor moved = length(c.norm, batch, x);
      EXPECT_LE(moved.max().item<double>(), epsilon + 1e-5);
      // But for a few that noise alone beats as well: they stay as they are.
      EXPECT_GE((moved >= 0.9 * epsilon).sum().item<int64_t>(), 35);
      EXPECT_GT(margins(t, batch, x).mean().item<double>(),
                margins(t, batch, batch.x).mean().item<double>());
    }
}

TEST(UnderNoise, ItsDirectionIsOneThatFreshDrawsFollow) {
  const Toy t = noisy(0.2);
  evaluation::CraftBatch batch = middle_batch(t, 50);
  ASSERT_LT(clean_error(t, batch).mean().item<double>(), 0.5);
  for (const Case& c : kCases) {
    evaluation::CraftBatch found = batch;
    const ThreatModel threat = threat_of(c.norm, c.norm == Norm::kL2 ? 0.8 : 0.12);
    found.x = run(c.attack, {}, *t.model, batch, threat).x;
    // FAB's steps follow single gradients all the way; others add theirs up.
    const double least = c.attack == "fab" ? 0.85 : 0.95;
    EXPECT_GT(clean_error(t, found).mean().item<double>(), least) << c.attack;
  }
}

// Where all hits lie far inside the ball, they are still better than none.
TEST(UnderNoise, ALargeBallIsUsed) {
  const Toy t = noisy(0.005);
  evaluation::CraftBatch batch = middle_batch(t, 50);
  for (const Case& c : kCases) {
    evaluation::CraftBatch found = batch;
    const ThreatModel threat = threat_of(c.norm, c.norm == Norm::kL2 ? 6 : 0.9);
    found.x = run(c.attack, {}, *t.model, batch, threat).x;
    EXPECT_GT(clean_error(t, found).mean().item<double>(), 0.95) << c.attack;
  }
}

// Rounded to levels, the answer would leave the ball, or keep half a level a pixel away from its
// edge: more than this radius.
TEST(UnderNoise, LevelsTakeNothingFromTheBall) {
  const Toy t = noisy(0.05, {3, 16, 16});
  evaluation::CraftBatch batch = middle_batch(t, 10);
  batch.x = (batch.x * 255).round() / 255;
  const double epsilon = 0.05;
  ASSERT_LT(epsilon, std::sqrt(3 * 16 * 16) / 255 / 2);
  const Tensor x = run("ddn", {}, *t.model, batch, threat_of(Norm::kL2, epsilon)).x;
  const Tensor moved = length(Norm::kL2, batch, x);
  EXPECT_LE(moved.max().item<double>(), epsilon * (1 + 1e-4));
  EXPECT_GE(moved.min().item<double>(), 0.99 * epsilon);
}

// A budget ends the run at once: what counts then is what the attack proposed last.
TEST(UnderNoise, ABudgetLeavesTheBestSoFar) {
  const Toy t = noisy();
  const evaluation::CraftBatch batch = batch_of(*t.model, 20);
  evaluation::CraftRules rules;
  rules.max_queries = 60;
  for (const Case& c : kCases) {
    const ThreatModel threat = threat_of(c.norm, c.norm == Norm::kL2 ? 0.6 : 0.1);
    const evaluation::Crafted stopped = run(c.attack, {}, *t.model, batch, threat, rules);
    EXPECT_LE(stopped.queries.max().item<int64_t>(), 60);
    EXPECT_GT(stopped.queries.max().item<int64_t>(), 60 - 8) << "a look of eight draws must fit";
    EXPECT_GT(margins(t, batch, stopped.x).mean().item<double>(),
              margins(t, batch, batch.x).mean().item<double>())
        << c.attack;
    EXPECT_TRUE(threat.contains(batch.x, stopped.x).all().item<bool>());
  }
}

}  // namespace
}  // namespace gauntlet
