// NAttack where the best answer is known, its oracles and its search grid.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "evaluation/bounds.h"
#include "evaluation/craft.h"
#include "tests/toys/toy_model.h"

namespace gauntlet {
namespace {
using namespace toys;

evaluation::Crafted run_nattack(const ParamMap& params, evaluation::DefendedModel& model,
                                const evaluation::CraftBatch& batch, const ThreatModel& threat,
                                evaluation::CraftRules rules = {}) {
  ToyEnvironment environment;
  return craft(*attack("nattack", params), model, batch, threat, rules, environment);
}
evaluation::CraftRules untracked(uint64_t seed = 0) {
  evaluation::CraftRules rules;
  rules.track = false;
  rules.seed = seed;
  return rules;
}

// Two pixels, two classes: z_1 - z_0 = 6 x_0 - 3 x_1 - offset.
Toy slope(float offset) {
  return toy(std::make_shared<ToyNetwork>(std::vector<int64_t>{1, 1, 2},
                                          torch::tensor({0.f, 0.f, 6.f, -3.f}).view({2, 2}),
                                          torch::tensor({0.f, -offset})));
}
evaluation::CraftBatch grey(const Toy& t, int64_t n) {
  evaluation::CraftBatch batch = batch_of(*t.model, n);
  batch.x = 0.3 + 0.4 * batch.x;
  batch.y = t.model->bare_logits(batch.x).argmax(1);
  return batch;
}

TEST(NattackToy, FoolsALinearModelWithinReachIn400Steps) {
  const Toy t = slope(1.5);
  const evaluation::CraftBatch batch = grey(t, 40);
  const Tensor z = t.model->bare_logits(batch.x);
  // The margin falls by at most 0.1 (6 + 3).
  const Tensor away = (z.select(1, 1) - z.select(1, 0)).abs() / 9;
  const evaluation::Crafted c = run_nattack({{"steps", 400}, {"population", 20}}, *t.model, batch,
                                            threat_of(Norm::kLinf, 0.1));
  const Tensor near = away<0.098, far = away> 0.1001;
  EXPECT_GT(near.sum().item<int64_t>(), 5);
  EXPECT_GT(far.sum().item<int64_t>(), 5);
  EXPECT_TRUE((c.confirmed | near.logical_not()).all().item<bool>());
  EXPECT_FALSE((c.confirmed & far).any().item<bool>());
}

TEST(NattackToy, ConvergesToTheBestCorner) {
  const Toy t = slope(-30);  // class 1 everywhere, out of reach
  const evaluation::CraftBatch batch = grey(t, 20);
  const Tensor x = run_nattack({{"steps", 400}, {"population", 20}}, *t.model, batch,
                               threat_of(Norm::kLinf, 0.05), untracked())
                       .x;
  const Tensor corner = batch.x + 0.05 * torch::tensor({-1.f, 1.f}).view({1, 1, 1, 2});
  EXPECT_TRUE(torch::allclose(x, corner, 0, 1e-6));
}

// One step by hand: the population's draws, rewards, and where they move the mean.
Tensor one_step(const Toy& t, const evaluation::CraftBatch& batch, double epsilon,
                int64_t population, bool first_member) {
  const double sigma = 0.1, rate = 0.05;
  const int64_t n = batch.x.size(0);
  const Noise noise = noise_for(0, evaluation::Stream::kAttack, batch.index);
  const Tensor rows = torch::arange(n).repeat_interleave(population);
  const Tensor e = noise.rows(rows).at(1).normal(batch.x.sizes().slice(1)).to(torch::kDouble);
  Tensor mean = 0.001 * noise.at(0).normal(batch.x.sizes().slice(1)).to(torch::kDouble);
  const Tensor x = batch.x.to(torch::kDouble), z = ((2 * x - 1) * (1 - 1e-6)).atanh();
  const auto inside = [&](const Tensor& v, const Tensor& around) {
    return around + ((v.tanh() + 1) / 2 - around).clamp(-epsilon, epsilon);
  };
  const Tensor members =
      inside((z + mean).index_select(0, rows) + sigma * e, x.index_select(0, rows));
  const Tensor log =
      t.model->bare_logits(members.to(torch::kFloat)).to(torch::kDouble).log_softmax(1);
  const Tensor y = batch.y.index_select(0, rows).unsqueeze(1);
  Tensor other = std::get<0>(log.scatter(1, y, -std::numeric_limits<double>::infinity()).max(1))
                     .view({n, population});
  if (first_member) other = other.narrow(1, 0, 1).expand({n, population});
  const Tensor reward = -(log.gather(1, y).view({n, population}) - other).clamp(0, 1000) / 2;
  const Tensor lead = reward - reward.mean(1, true);
  const Tensor a = lead / (lead.square().mean(1, true).sqrt() + 1e-7);
  mean = mean + rate / (double(population) * sigma) *
                    (a.view({-1, 1, 1, 1}) * e).unflatten(0, {n, population}).sum(1);
  return inside(z + mean, x).to(torch::kFloat);
}

TEST(NattackStep, IsTheFormulaWithAndWithoutTheReleasedCodesMistake) {
  const Toy t = toy(curved({1, 3, 4}, 4));
  const evaluation::CraftBatch batch = grey(t, 12);
  const double epsilon = 0.2;
  Tensor found[2];
  for (const bool first : {false, true}) {
    found[first] = run_nattack({{"steps", 1},
                                {"population", 7},
                                {"learning_rate", 0.05},
                                {"first_member_margin", first}},
                               *t.model, batch, threat_of(Norm::kLinf, epsilon), untracked())
                       .x;
    EXPECT_TRUE(torch::allclose(found[first], one_step(t, batch, epsilon, 7, first), 0, 1e-5));
  }
  EXPECT_FALSE(torch::allclose(found[0], found[1], 0, 1e-4)) << "the mistake matters";
}

TEST(NattackGrid, OfOneCellMovesAllPixelsAlike) {
  const Toy t = toy(curved({2, 6, 5}, 3));
  evaluation::CraftBatch batch = grey(t, 5);
  batch.x = torch::full_like(batch.x, 0.5);
  batch.y = t.model->bare_logits(batch.x).argmax(1);
  const Tensor x = run_nattack({{"steps", 20}, {"population", 10}, {"search_size", 1}}, *t.model,
                               batch, threat_of(Norm::kLinf, 0.3), untracked())
                       .x;
  const Tensor delta = (x - batch.x).flatten(2);
  EXPECT_GT(delta.abs().min().item<double>(), 0);
  EXPECT_LT((delta - delta.select(2, 0).unsqueeze(2)).abs().max().item<double>(), 1e-6);
}

TEST(NattackGrid, OfTheImagesSizeIsTheImage) {
  const Toy t = toy(curved({1, 5, 5}, 3));
  const evaluation::CraftBatch batch = grey(t, 6);
  const ThreatModel threat = threat_of(Norm::kLinf, 0.1);
  const ParamMap plain = {{"steps", 8}, {"population", 6}};
  ParamMap sized = plain;
  sized["search_size"] = 5;
  EXPECT_TRUE(torch::equal(run_nattack(plain, *t.model, batch, threat, untracked()).x,
                           run_nattack(sized, *t.model, batch, threat, untracked()).x));
  sized["search_size"] = 6;
  EXPECT_THROW(run_nattack(sized, *t.model, batch, threat), ParamError);
}

TEST(NattackGrid, DoesNotDependOnTheBatch) {
  const Toy t = toy(curved({1, 9, 11}, 3));
  const evaluation::CraftBatch batch = grey(t, 5);
  const ParamMap params = {{"steps", 4}, {"population", 6}, {"search_size", 4}};
  const ThreatModel threat = threat_of(Norm::kLinf, 0.1);
  const Tensor whole = run_nattack(params, *t.model, batch, threat, untracked()).x;
  std::vector<Tensor> parts;
  for (int64_t i = 0; i < 5; ++i)
    parts.push_back(run_nattack(params, *t.model, part(batch, i, i + 1), threat, untracked()).x);
  EXPECT_TRUE(torch::equal(torch::cat(parts), whole));
}

Toy voting(const char* vote) {
  return toy(
      curved({1, 5, 6}, 3), {},
      {{"smoothing", defense("smoothing", {{"sigma", 0.2}, {"mc_samples", 16}, {"vote", vote}})}});
}

TEST(NattackOracle, WrappedAsksForEveryVote) {
  const Toy t = voting("prediction");
  const evaluation::CraftBatch batch = grey(t, 4);
  const ParamMap params = {{"steps", 3}, {"population", 5}, {"oracle", "wrapped"}};
  const evaluation::Crafted c =
      run_nattack(params, *t.model, batch, threat_of(Norm::kLinf, 0.05), untracked());
  EXPECT_TRUE(c.queries.eq(16 * (3 * 5 + 1)).all().item<bool>());
  ParamMap single = params;
  single["oracle"] = "single";
  const evaluation::Crafted s =
      run_nattack(single, *t.model, batch, threat_of(Norm::kLinf, 0.05), untracked());
  EXPECT_TRUE(s.queries.eq(3 * 5 + 1).all().item<bool>());
}

TEST(NattackOracle, WrappedShowsTheSharesOfAHardVote) {
  const Toy t = voting("prediction");
  const evaluation::CraftBatch batch = grey(t, 4);
  ToyEnvironment environment;
  evaluation::CraftRules rules = untracked();
  int64_t seen = 0;
  rules.observe = [&](const Rows&, const Tensor&, const Outputs& out) {
    const Tensor votes = out.logits.exp() * 16;
    EXPECT_TRUE(torch::allclose(votes, votes.round(), 0, 1e-4));
    EXPECT_TRUE(torch::allclose(votes.sum(1), torch::full({votes.size(0)}, 16.f), 0, 1e-3));
    ++seen;
  };
  craft(*attack("nattack", {{"steps", 2}, {"population", 5}, {"oracle", "wrapped"}}), *t.model,
        batch, threat_of(Norm::kLinf, 0.05), rules, environment);
  EXPECT_EQ(seen, 3);
}

TEST(NattackOracle, BothAreOneOnADeterministicDefense) {
  const Toy t = toy(curved({1, 5, 6}, 3));
  const evaluation::CraftBatch batch = grey(t, 6);
  const ThreatModel threat = threat_of(Norm::kLinf, 0.05);
  const ParamMap single = {{"steps", 5}, {"population", 6}};
  const ParamMap wrapped = {{"steps", 5}, {"population", 6}, {"oracle", "wrapped"}};
  EXPECT_TRUE(torch::equal(run_nattack(single, *t.model, batch, threat, untracked()).x,
                           run_nattack(wrapped, *t.model, batch, threat, untracked()).x));
}

// One vote of one draw is all or nothing: shares of it say nothing of how near the boundary is.
TEST(NattackOracle, BothAreOneWhereAHardVoteDrawsNothing) {
  const Toy t =
      toy(curved({1, 5, 6}, 3), {},
          {{"smoothing",
            defense("smoothing", {{"sigma", 0.0}, {"mc_samples", 16}, {"vote", "prediction"}})}});
  ASSERT_FALSE(t.model->stochastic());
  const evaluation::CraftBatch batch = grey(t, 6);
  const ThreatModel threat = threat_of(Norm::kLinf, 0.05);
  const ParamMap single = {{"steps", 5}, {"population", 6}};
  const ParamMap wrapped = {{"steps", 5}, {"population", 6}, {"oracle", "wrapped"}};
  const evaluation::Crafted of_all = run_nattack(wrapped, *t.model, batch, threat, untracked());
  EXPECT_TRUE(torch::equal(run_nattack(single, *t.model, batch, threat, untracked()).x, of_all.x));
  EXPECT_TRUE(of_all.queries.eq(5 * 6 + 1).all().item<bool>());
}

// Scores say which way a goal lies, as gradients do.
TEST(NattackGoals, AreFollowed) {
  const Toy t = toy(curved({1, 4, 4}, 4));
  const evaluation::CraftBatch batch = grey(t, 20);
  const Tensor wanted = (batch.y + 1).remainder(4);
  const ParamMap params = {{"steps", 60}, {"population", 20}, {"learning_rate", 0.05}};
  for (const Goal goal : {Goal::kTargeted, Goal::kHypocritical}) {
    evaluation::CraftBatch now = batch;
    (goal == Goal::kTargeted ? now.target : now.y) = wanted;
    evaluation::CraftRules rules = untracked();
    rules.goal = goal;
    const Tensor x = run_nattack(params, *t.model, now, threat_of(Norm::kLinf, 0.5), rules).x;
    const Tensor before = (t.model->bare_logits(batch.x).argmax(1) == wanted).sum();
    const Tensor after = (t.model->bare_logits(x).argmax(1) == wanted).sum();
    EXPECT_EQ(before.item<int64_t>(), 0);
    EXPECT_GE(after.item<int64_t>(), 15) << int(goal);
  }
}

}  // namespace
}  // namespace gauntlet
