// Square on defenses that draw noise.
#include <gtest/gtest.h>

#include "evaluation/craft.h"
#include "tests/toys/toy_model.h"

namespace gauntlet {
namespace {
using namespace toys;

// Adds noise to the input. The mean of it is the image or, where `blind`, nothing is left of it.
struct AddsNoise final : Defense, TransformsInput {
  AddsNoise(double size, bool takes_all) : sigma(size), blind(takes_all) {}
  Tensor forward(const Tensor& x, Noise& noise) override {
    return (blind ? torch::full_like(x, 0.5) : x) + sigma * noise.normal(x.sizes().slice(1));
  }
  double sigma;
  bool blind;
};
Toy noisy_toy(double sigma, bool blind = false) {
  return toy(curved({1, 8, 8}, 4), {}, {{"noise", std::make_shared<AddsNoise>(sigma, blind)}});
}
evaluation::CraftBatch noisy_batch(const Toy& t, int64_t n) {
  evaluation::CraftBatch batch = batch_of(*t.model, n);
  batch.x = 0.4 + 0.2 * batch.x;
  batch.y = t.model->bare_logits(batch.x).argmax(1);
  return batch;
}
evaluation::Crafted square_on(const ParamMap& params, const Toy& t,
                              const evaluation::CraftBatch& batch, int64_t draws,
                              double epsilon = 0.1, evaluation::CraftRules rules = {}) {
  ToyEnvironment environment;
  rules.draws = draws;
  return craft(*attack("square", params), *t.model, batch, threat_of(Norm::kLinf, epsilon), rules,
               environment);
}
// Of 200 fresh draws, the share that is wrong: [N].
Tensor share_wrong(const Toy& t, const evaluation::CraftBatch& batch, const Tensor& x) {
  const Noise noise = noise_of(x.size(0), 77);
  Tensor wrong = torch::zeros({x.size(0)});
  for (int64_t draw = 0; draw < 200; ++draw)
    wrong += t.model->pass(x, noise.at(0, draw), models::Mode::kFolded).logits.argmax(1) != batch.y;
  return wrong / 200;
}

// Its answers are now right, now wrong, whatever is shown to it: no candidate is better than the
// start. With fresh draws for each candidate, the luckiest would be taken.
TEST(SquareUnderNoise, AcceptsNothingByLuck) {
  const Toy t = noisy_toy(1, /*blind=*/true);
  ASSERT_TRUE(t.model->stochastic());
  const evaluation::CraftBatch batch = noisy_batch(t, 20);
  for (const int64_t draws : {1, 4})
    for (const int64_t same : {1, 10}) {
      Tensor first;
      int64_t wrong = 0;
      evaluation::CraftRules rules;
      rules.observe = [&](const Rows&, const Tensor& x, const Outputs& out) {
        if (!first.defined()) first = x;
        wrong += (out.logits.argmax(1) != batch.y).sum().item<int64_t>();
      };
      const Tensor x =
          square_on({{"queries", 60}, {"same_draws", same}}, t, batch, draws, 0.1, rules).x;
      EXPECT_GT(wrong, 20) << "there was luck to be taken in by";
      EXPECT_TRUE(torch::equal(x, first));
    }
}

TEST(SquareUnderNoise, FindsWhatFreshDrawsConfirm) {
  const Toy t = noisy_toy(0.3);
  const evaluation::CraftBatch batch = noisy_batch(t, 40);
  const double before = share_wrong(t, batch, batch.x).mean().item<double>();
  const auto after = [&](int64_t draws) {
    const ParamMap params = {{"queries", 300}, {"rescale_schedule", true}};
    return share_wrong(t, batch, square_on(params, t, batch, draws, 0.2).x).mean().item<double>();
  };
  EXPECT_GT(after(20), before + 0.3);
  EXPECT_GT(after(20), 0.85);
}

// The best is asked again on new draws after ten candidates: 1 + 10 + 1 + 10 + … queries.
TEST(SquareUnderNoise, CountsDrawsAndTheBestsNewLosses) {
  const Toy t = noisy_toy(0.1);
  const evaluation::CraftBatch batch = noisy_batch(t, 3);
  EXPECT_TRUE(square_on({{"queries", 24}}, t, batch, 5).queries.eq(5 * 24).all().item<bool>());
  evaluation::CraftRules rules;
  std::vector<Tensor> asked;
  rules.observe = [&](const Rows&, const Tensor& x, const Outputs&) { asked.push_back(x); };
  const Tensor x = square_on({{"queries", 13}}, t, batch, 5, 0.1, rules).x;
  ASSERT_EQ(asked.size(), 13u);
  bool seen = false;  // query 12 is of what had been asked before
  for (size_t q = 0; q < 11; ++q) seen = seen || torch::equal(asked[11][0], asked[q][0]);
  EXPECT_TRUE(seen);
}

TEST(SquareUnderNoise, StopsAtItsBudgetWithTheBestSoFar) {
  const Toy t = noisy_toy(0.1);
  const evaluation::CraftBatch batch = noisy_batch(t, 10);
  evaluation::CraftRules rules;
  rules.max_queries = 50;
  const evaluation::Crafted c = square_on({{"queries", 100}}, t, batch, 5, 0.1, rules);
  EXPECT_TRUE(c.queries.eq(50).all().item<bool>());
  EXPECT_TRUE(torch::equal(c.x, square_on({{"queries", 10}}, t, batch, 5).x));
}

}  // namespace
}  // namespace gauntlet
