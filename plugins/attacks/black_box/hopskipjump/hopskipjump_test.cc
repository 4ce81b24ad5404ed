// HopSkipJump where the nearest adversarial input is known, and what it costs.
#include <gtest/gtest.h>

#include <cmath>

#include "evaluation/bounds.h"
#include "evaluation/craft.h"
#include "tests/toys/toy_model.h"

namespace gauntlet {
namespace {
using namespace toys;

constexpr double kEverywhere = 100;  // a ball that holds every image

evaluation::Crafted run_hopskipjump(const ParamMap& params, evaluation::DefendedModel& model,
                                    const evaluation::CraftBatch& batch, const ThreatModel& threat,
                                    evaluation::CraftRules rules = {}) {
  ToyEnvironment environment;
  return craft(*attack("hopskipjump", params), model, batch, threat, rules, environment);
}
evaluation::CraftRules own_answer() {
  evaluation::CraftRules rules;
  rules.track = false;
  return rules;
}
// Two classes on 48 pixels, far from the edges of the box.
Toy two_classes() {
  const Tensor w = noise_of(1, 3).shared_normal({1, 48});
  return toy(std::make_shared<ToyNetwork>(std::vector<int64_t>{1, 6, 8}, torch::cat({w, -w}),
                                          torch::stack({-0.5 * w.sum(), 0.5 * w.sum()})));
}
evaluation::CraftBatch central_batch(const Toy& t, int64_t n) {
  evaluation::CraftBatch batch = batch_of(*t.model, n);
  batch.x = 0.45 + 0.1 * batch.x;
  batch.y = t.model->bare_logits(batch.x).argmax(1);
  return batch;
}
// How far the boundary is, [N]: half the margin over the dual norm of the weights.
Tensor nearest(const Toy& t, const evaluation::CraftBatch& batch, Norm norm) {
  const Tensor z = t.model->bare_logits(batch.x);
  const Tensor w = t.network->tensors()[0].tensor.narrow(0, 0, 1);
  return (z.select(1, 0) - z.select(1, 1)).abs() / 2 /
         length(w, norm == Norm::kLinf ? Norm::kL1 : Norm::kL2);
}

TEST(HopSkipJump, ComesNearTheSmallestPerturbationOfALinearModel) {
  const Toy t = two_classes();
  const evaluation::CraftBatch batch = central_batch(t, 20);
  for (const Norm norm : {Norm::kLinf, Norm::kL2}) {
    const ThreatModel threat = threat_of(norm, kEverywhere);
    const Tensor best = nearest(t, batch, norm);
    const auto ratio = [&](int64_t queries) {
      evaluation::CraftRules rules = own_answer();
      rules.max_queries = queries;
      const evaluation::Crafted c = run_hopskipjump({}, *t.model, batch, threat, rules);
      EXPECT_LE(c.queries.max().item<int64_t>(), queries);
      EXPECT_TRUE((t.model->bare_logits(c.x).argmax(1) != batch.y).all().item<bool>());
      return threat.distance(batch.x, c.x) / best;
    };
    const Tensor many = ratio(5000);
    EXPECT_GE(many.min().item<double>(), 1 - 1e-4);
    EXPECT_LE(many.max().item<double>(), 1.15) << int(norm);
    EXPECT_GT(ratio(150).mean().item<double>(), 1.3) << "the search is what brings it near";
  }
}

// All answers are adversarial by as little as the bisection leaves.
TEST(HopSkipJump, BisectsToTheBoundary) {
  const Toy t = two_classes();
  const evaluation::CraftBatch batch = central_batch(t, 20);
  for (const Norm norm : {Norm::kLinf, Norm::kL2}) {
    const ThreatModel threat = threat_of(norm, kEverywhere);
    const Tensor x = run_hopskipjump({{"steps", 12}}, *t.model, batch, threat, own_answer()).x;
    const auto gap = [&](const Tensor& at) {
      return margin(Goal::kUntargeted)({t.model->bare_logits(at), {}, {}},
                                       {batch.index, batch.y, {}});
    };
    // A margin grows by twice the dual norm of the weights a unit. The bisection's last interval is
    // a share of 2^-10 of a way that is no longer many times as long. Next to the boundary, float32
    // is coarser than that.
    const Tensor w = t.network->tensors()[0].tensor.narrow(0, 0, 1);
    const Tensor slope = 2 * length(w, norm == Norm::kLinf ? Norm::kL1 : Norm::kL2);
    const Tensor best = nearest(t, batch, norm), off = best > 0.2 * best.max();
    ASSERT_GT(off.sum().item<int64_t>(), 5);
    const Tensor share = gap(x) / (slope * threat.distance(batch.x, x));
    EXPECT_GE(gap(x).min().item<double>(), 0);
    EXPECT_LT(share.masked_select(off).max().item<double>(), 2.0 / 1024) << int(norm);
  }
}

TEST(HopSkipJump, KeepsTheNearestHitInsideTheBall) {
  const Toy t = two_classes();
  const evaluation::CraftBatch batch = central_batch(t, 40);
  const Tensor best = nearest(t, batch, Norm::kL2);
  const double epsilon = best.median().item<double>();
  const evaluation::Crafted c =
      run_hopskipjump({{"steps", 15}}, *t.model, batch, threat_of(Norm::kL2, epsilon));
  EXPECT_FALSE((c.confirmed & (best > epsilon)).any().item<bool>());
  const Tensor near = best < epsilon / 1.2;
  ASSERT_GT(near.sum().item<int64_t>(), 5);
  EXPECT_TRUE((c.confirmed | ~near).all().item<bool>());
  EXPECT_TRUE(torch::equal(c.x.index({best > epsilon}), batch.x.index({best > epsilon})));
}

// Start, its bisection, and in each step bisection, probes and at least one try to jump.
TEST(HopSkipJump, CountsItsDecisions) {
  const Toy t = two_classes();
  const evaluation::CraftBatch batch = central_batch(t, 12);
  const evaluation::Crafted c = run_hopskipjump({{"steps", 1}, {"init_evaluations", 70}}, *t.model,
                                                batch, threat_of(Norm::kL2, kEverywhere));
  const Tensor rest = c.queries - (10 + 10 + 70 + 10);  // 48^1.5 is less than 2^10
  EXPECT_GE(rest.min().item<int64_t>(), 2);
  EXPECT_LE(rest.max().item<int64_t>(), 30) << "tries of a start, and of a jump";
  EXPECT_GT(rest.max().item<int64_t>(), rest.min().item<int64_t>()) << "each image has its own";
}

TEST(HopSkipJump, DoesNotDependOnTheBatch) {
  const Toy t = toy(curved({2, 7, 5}, 4));
  const evaluation::CraftBatch batch = batch_of(*t.model, 6);
  for (const Norm norm : {Norm::kLinf, Norm::kL2})
    for (const int64_t budget : {0, 333}) {
      evaluation::CraftRules rules = own_answer();
      rules.max_queries = budget;
      const auto of = [&](int64_t from, int64_t to) {
        return run_hopskipjump({{"steps", 4}}, *t.model, part(batch, from, to),
                               threat_of(norm, kEverywhere), rules)
            .x;
      };
      const Tensor whole = of(0, 6);
      EXPECT_TRUE(torch::equal(torch::cat({of(0, 1), of(1, 5), of(5, 6)}), whole));
      EXPECT_TRUE(torch::equal(of(0, 6), whole));
    }
}

// The mean of 144 pixels of noise is never far from 0.5; that of one block is.
TEST(HopSkipJump, StartsWhereNoiseOfPixelsIsOfOneClass) {
  const Toy t = toy(std::make_shared<ToyNetwork>(
      std::vector<int64_t>{1, 12, 12},
      torch::cat({torch::zeros({1, 144}), torch::full({1, 144}, 1.f / 144)}),
      torch::tensor({0.8f, 0.f})));
  const evaluation::CraftBatch batch = batch_of(*t.model, 20);
  ASSERT_TRUE((batch.y == 0).all().item<bool>());
  const Tensor x = run_hopskipjump({{"steps", 1}}, *t.model, batch,
                                   threat_of(Norm::kL2, kEverywhere), own_answer())
                       .x;
  EXPECT_GE(t.model->bare_logits(x).argmax(1).sum().item<int64_t>(), 16);
}

// Where no image of noise is adversarial, there is no start, and nothing to find.
TEST(HopSkipJump, LeavesImagesWithoutAStart) {
  const Toy t = toy(std::make_shared<ToyNetwork>(std::vector<int64_t>{1, 3, 3},
                                                 torch::zeros({2, 9}), torch::tensor({1.f, 0.f})));
  const evaluation::CraftBatch batch = batch_of(*t.model, 4);
  const evaluation::Crafted c =
      run_hopskipjump({{"start_tries", 7}}, *t.model, batch, threat_of(Norm::kL2, 1), own_answer());
  EXPECT_TRUE(torch::equal(c.x, batch.x));
  EXPECT_TRUE(c.queries.eq(7).all().item<bool>());
}

// Refuses images whose first pixel is light.
struct RefusesLight final : Defense, Refuses {
  Tensor score(const Tensor& x, const Outputs&, View&) override {
    return x.flatten(1).select(1, 0) - 0.6;
  }
};

TEST(HopSkipJump, TakesNoRefusalForASuccess) {
  const Toy plain = two_classes();
  const Toy t = toy(plain.network, {}, {{"detector", std::make_shared<RefusesLight>()}});
  evaluation::CraftBatch batch = central_batch(plain, 20);
  batch.x.select(3, 0).select(2, 0).fill_(0.59);  // a refusal is nearer than another class
  batch.y = plain.model->bare_logits(batch.x).argmax(1);
  ASSERT_GT(nearest(plain, batch, Norm::kL2).mean().item<double>(), 0.01);
  const Tensor x = run_hopskipjump({{"steps", 6}}, *t.model, batch,
                                   threat_of(Norm::kL2, kEverywhere), own_answer())
                       .x;
  EXPECT_LE(x.select(3, 0).select(2, 0).max().item<double>(), 0.6);
  EXPECT_TRUE((plain.model->bare_logits(x).argmax(1) != batch.y).all().item<bool>());
}

TEST(HopSkipJump, FollowsItsGoal) {
  const Toy t = toy(curved({1, 4, 4}, 3));
  const evaluation::CraftBatch batch = batch_of(*t.model, 20);
  const Tensor wanted = (batch.y + 1).remainder(3);
  for (const Goal goal : {Goal::kTargeted, Goal::kHypocritical}) {
    evaluation::CraftBatch now = batch;
    (goal == Goal::kTargeted ? now.target : now.y) = wanted;
    evaluation::CraftRules rules = own_answer();
    rules.goal = goal;
    const Tensor x = run_hopskipjump({{"steps", 5}, {"start_tries", 500}}, *t.model, now,
                                     threat_of(Norm::kL2, kEverywhere), rules)
                         .x;
    // A class that hardly any noise has may give no start.
    const Tensor reached = t.model->bare_logits(x).argmax(1) == wanted;
    EXPECT_GE(reached.sum().item<int64_t>(), 10) << int(goal);
    EXPECT_TRUE(torch::equal(x.index({~reached}), batch.x.index({~reached})));
  }
}

}  // namespace
}  // namespace gauntlet
