// Square: its windows, what it accepts, and defenses whose answers are luck.
#include <gtest/gtest.h>

#include <cmath>

#include "evaluation/craft.h"
#include "tests/toys/toy_model.h"

namespace gauntlet {
namespace {
using namespace toys;

evaluation::Crafted run_square(const ParamMap& params, evaluation::DefendedModel& model,
                               const evaluation::CraftBatch& batch, const ThreatModel& threat,
                               evaluation::CraftRules rules = {}) {
  ToyEnvironment environment;
  return craft(*attack("square", params), model, batch, threat, rules, environment);
}
evaluation::CraftRules square_final() {
  evaluation::CraftRules rules;
  rules.track = false;
  return rules;
}
// What each query asks, [N, C, H, W] each.
std::vector<Tensor> asked_by_square(const ParamMap& params, evaluation::DefendedModel& model,
                                    const evaluation::CraftBatch& batch,
                                    const ThreatModel& threat) {
  std::vector<Tensor> out;
  evaluation::CraftRules rules = square_final();
  rules.observe = [&](const Rows&, const Tensor& x, const Outputs&) { out.push_back(x); };
  run_square(params, model, batch, threat, rules);
  return out;
}
evaluation::CraftBatch grey_batch(const Toy& t, int64_t n) {
  evaluation::CraftBatch batch = batch_of(*t.model, n);
  batch.x = 0.4 + 0.2 * batch.x;
  batch.y = t.model->bare_logits(batch.x).argmax(1);
  return batch;
}
// Accepts nothing: all candidates are the start, but for one window.
Toy constant_toy(const std::vector<int64_t>& image) {
  return toy(std::make_shared<ToyNetwork>(image, torch::zeros({3, c10::multiply_integers(image)}),
                                          torch::tensor({1.f, 0.f, 0.f})));
}
// The most rows and columns from the first to the last pixel that differs in any channel.
int64_t widest_difference(const Tensor& a, const Tensor& b) {
  const Tensor differs = (a != b).any(1);
  int64_t most = 0;
  for (int64_t i = 0; i < a.size(0); ++i)
    for (const int64_t axis : {0, 1}) {
      const Tensor at = differs[i].any(axis).nonzero();
      if (at.numel() > 0)
        most = std::max(most, at.max().item<int64_t>() - at.min().item<int64_t>() + 1);
    }
  return most;
}

TEST(SquareWindows, HaveThePapersSides) {
  const Toy t = constant_toy({3, 32, 32});
  const evaluation::CraftBatch batch = grey_batch(t, 10);
  const ThreatModel threat = threat_of(Norm::kLinf, 0.1);
  const auto sides = [&](const ParamMap& params) {
    std::vector<int64_t> out;
    const std::vector<Tensor> asked = asked_by_square(params, *t.model, batch, threat);
    for (size_t q = 1; q < asked.size(); ++q) out.push_back(widest_difference(asked[q], asked[0]));
    return out;
  };
  // Query q is candidate q - 1; the schedule counts candidates.
  const std::vector<int64_t> plain = sides({{"queries", 53}});
  ASSERT_EQ(plain.size(), 52u);
  for (size_t step = 0; step < plain.size(); ++step)
    EXPECT_EQ(plain[step], step <= 10 ? 29 : step <= 50 ? 20 : 14) << step;
  const std::vector<int64_t> scaled = sides({{"queries", 100}, {"rescale_schedule", true}});
  const std::map<size_t, int64_t> expected = {{0, 29}, {1, 14}, {2, 14}, {3, 10}, {5, 10}, {6, 7},
                                              {10, 7}, {11, 5}, {20, 5}, {21, 4}, {40, 4}, {41, 3},
                                              {60, 3}, {61, 2}, {80, 2}, {81, 1}, {98, 1}};
  for (const auto& [step, side] : expected) EXPECT_EQ(scaled.at(step), side) << step;
}

// Each image has its own window, and each place is met: the last row and column, too.
TEST(SquareWindows, LieAnywhereAndApart) {
  const Toy t = constant_toy({1, 6, 7});
  const evaluation::CraftBatch batch = grey_batch(t, 200);
  const std::vector<Tensor> asked = asked_by_square({{"queries", 4}, {"p_init", 0.01}}, *t.model,
                                                    batch, threat_of(Norm::kLinf, 0.1));
  Tensor met = torch::zeros({6, 7});
  for (size_t q = 1; q < asked.size(); ++q) {
    const Tensor differs = (asked[q] != asked[0]).to(torch::kFloat).sum(1);
    EXPECT_LE(differs.flatten(1).sum(1).max().item<double>(), 1);
    met += differs.sum(0);
  }
  EXPECT_GT(met.min().item<double>(), 0);
  EXPECT_LT(met.max().item<double>(), 25) << "600 windows, half of them without effect, 42 places";
}

TEST(SquareLinf, EveryPixelIsAtAnEndOfBallOrBox) {
  const Toy t = toy(curved({3, 9, 7}, 4));
  const evaluation::CraftBatch batch = batch_of(*t.model, 12);
  const double epsilon = 0.2;
  const Tensor x = run_square({{"queries", 60}}, *t.model, batch, threat_of(Norm::kLinf, epsilon),
                              square_final())
                       .x;
  const Tensor up = (x - (batch.x + epsilon).clamp_max(1)).abs(),
               down = (x - (batch.x - epsilon).clamp_min(0)).abs();
  EXPECT_LT(torch::minimum(up, down).max().item<double>(), 1e-6);
}

TEST(SquareLinf, StartsWithVerticalStripes) {
  const Toy t = constant_toy({2, 8, 30});
  const evaluation::CraftBatch batch = grey_batch(t, 5);
  const Tensor delta =
      asked_by_square({{"queries", 1}}, *t.model, batch, threat_of(Norm::kLinf, 0.1)).at(0) -
      batch.x;
  const Tensor sign = delta.sign();
  EXPECT_TRUE(torch::equal(sign, sign.narrow(2, 0, 1).expand_as(sign)));
  EXPECT_LT(sign.select(2, 0).flatten(1).sum(1).abs().max().item<double>(), 40) << "both signs";
  EXPECT_FALSE(torch::equal(sign[0], sign[1]));
}

TEST(SquareL2, UsesTheWholeBall) {
  for (const auto& image :
       std::vector<std::vector<int64_t>>{{3, 12, 12}, {1, 28, 28}, {2, 14, 9}}) {
    const Toy t = toy(curved(image, 4));
    const evaluation::CraftBatch batch = grey_batch(t, 8);
    const ThreatModel threat = threat_of(Norm::kL2, 0.5);
    for (const Tensor& x : asked_by_square({{"queries", 40}}, *t.model, batch, threat)) {
      const Tensor away = threat.distance(batch.x, x);
      EXPECT_LE(away.max().item<double>(), 0.5 + 1e-6);
      EXPECT_GE(away.min().item<double>(), 0.5 - 1e-5) << "no pixel is near the box";
    }
  }
}

// Of the rest, only the emptied window and the length change.
TEST(SquareL2, ChangesTwoWindows) {
  const Toy t = constant_toy({1, 20, 20});
  const evaluation::CraftBatch batch = grey_batch(t, 6);
  const std::vector<Tensor> asked = asked_by_square({{"queries", 5}, {"p_init", 0.06}}, *t.model,
                                                    batch, threat_of(Norm::kL2, 0.5));
  for (size_t q = 1; q < asked.size(); ++q) {
    const Tensor changed = ((asked[q] - asked[0]).abs() > 1e-6).flatten(1).sum(1);
    EXPECT_LE(changed.max().item<int64_t>(), 2 * 5 * 5);
    EXPECT_GT(changed.min().item<int64_t>(), 5);
  }
}

// The loss of the best so far never falls; on a deterministic defense it is known exactly.
TEST(SquareSearch, ImprovesOnEachAcceptedCandidate) {
  const Toy t = toy(curved({1, 10, 10}, 4));
  const evaluation::CraftBatch batch = grey_batch(t, 10);
  const Loss gap = margin(Goal::kUntargeted);
  for (const Norm norm : {Norm::kLinf, Norm::kL2}) {
    const ThreatModel threat = threat_of(norm, norm == Norm::kLinf ? 0.1 : 0.6);
    Tensor best = torch::full({10}, -1e9), first;
    evaluation::CraftRules rules = square_final();
    rules.observe = [&](const Rows& rows, const Tensor&, const Outputs& out) {
      best = torch::maximum(best, gap(out, rows));
      if (!first.defined()) first = best;
    };
    const Tensor x = run_square({{"queries", 150}}, *t.model, batch, threat, rules).x;
    const Tensor last = gap({t.model->bare_logits(x), {}, {}}, {batch.index, batch.y, {}});
    EXPECT_TRUE(torch::allclose(last, best, 0, 1e-5)) << "the answer is the best of all queries";
    EXPECT_TRUE((last > first).all().item<bool>());
  }
}

// The best margin in the ball is w x + epsilon |w|: square windows of one pixel end there.
TEST(SquareSearch, ComesNearTheOptimumOfALinearModel) {
  const Tensor w = noise_of(1, 3).shared_normal({1, 36});
  const Toy t = toy(std::make_shared<ToyNetwork>(std::vector<int64_t>{1, 6, 6}, torch::cat({w, -w}),
                                                 torch::tensor({0.f, 0.f})));
  const evaluation::CraftBatch batch = grey_batch(t, 10);
  const auto gain = [&](Norm norm, int64_t queries) {
    const Tensor x = run_square({{"queries", queries}, {"rescale_schedule", true}}, *t.model, batch,
                                threat_of(norm, 0.1), square_final())
                         .x;
    const Tensor z = t.model->bare_logits(x) - t.model->bare_logits(batch.x);
    const Tensor fall = -z.gather(1, batch.y.unsqueeze(1)).squeeze(1);
    return (fall / (0.1 * length(w, norm == Norm::kLinf ? Norm::kL1 : Norm::kL2)))
        .min()
        .item<double>();
  };
  EXPECT_GT(gain(Norm::kLinf, 1000), 0.99);
  EXPECT_GT(gain(Norm::kL2, 2000), 0.65) << "bumps do not fit weights that are noise";
  EXPECT_LT(gain(Norm::kLinf, 5), 0.9) << "not by itself";
}

TEST(SquareSearch, CountsItsQueries) {
  const Toy t = constant_toy({1, 5, 5});
  const evaluation::CraftBatch batch = grey_batch(t, 3);
  for (const int64_t queries : {1, 2, 17}) {
    const evaluation::Crafted c = run_square({{"queries", queries}}, *t.model, batch,
                                             threat_of(Norm::kLinf, 0.1), square_final());
    EXPECT_TRUE(c.queries.eq(queries).all().item<bool>());
  }
  EXPECT_EQ(attack("square")->facts().access, Access::kScore);
  EXPECT_NE(attack("square")->unsupported(threat_of(Norm::kL1, 1), {}, Goal::kUntargeted), "");
}

TEST(SquareSearch, DoesNotDependOnTheBatch) {
  const Toy t = toy(curved({2, 11, 8}, 3));
  const evaluation::CraftBatch batch = grey_batch(t, 5);
  for (const Norm norm : {Norm::kLinf, Norm::kL2}) {
    const ThreatModel threat = threat_of(norm, norm == Norm::kLinf ? 0.1 : 0.6);
    const ParamMap params = {{"queries", 70}};
    const auto of = [&](int64_t from, int64_t to) {
      return run_square(params, *t.model, part(batch, from, to), threat, square_final()).x;
    };
    const Tensor whole = of(0, 5);
    EXPECT_TRUE(torch::equal(torch::cat({of(0, 1), of(1, 4), of(4, 5)}), whole));
    EXPECT_TRUE(torch::equal(of(0, 5), whole));
    evaluation::CraftRules other = square_final();
    other.seed = 1;
    EXPECT_FALSE(torch::equal(run_square(params, *t.model, batch, threat, other).x, whole));
  }
}

TEST(SquareGoals, AreFollowed) {
  const Toy t = toy(curved({1, 4, 4}, 4));
  const evaluation::CraftBatch batch = batch_of(*t.model, 20);
  const Tensor wanted = (batch.y + 1).remainder(4);
  for (const char* loss : {"margin", "cross_entropy"})
    for (const Goal goal : {Goal::kTargeted, Goal::kHypocritical}) {
      evaluation::CraftBatch now = batch;
      (goal == Goal::kTargeted ? now.target : now.y) = wanted;
      evaluation::CraftRules rules = square_final();
      rules.goal = goal;
      const Tensor x = run_square({{"queries", 500}, {"rescale_schedule", true}, {"loss", loss}},
                                  *t.model, now, threat_of(Norm::kLinf, 0.5), rules)
                           .x;
      const Tensor after = (t.model->bare_logits(x).argmax(1) == wanted).sum();
      EXPECT_GE(after.item<int64_t>(), 15) << int(goal) << loss;
    }
}

}  // namespace
}  // namespace gauntlet
