// NAttack, transfer, random noise.
#include <gtest/gtest.h>

#include <cmath>

#include "evaluation/craft.h"
#include "tests/toys/toy_model.h"

namespace gauntlet {
namespace {
using namespace toys;

evaluation::Crafted run_black_box(const std::string& name, const ParamMap& params,
                                  evaluation::DefendedModel& model,
                                  const evaluation::CraftBatch& batch, const ThreatModel& threat,
                                  evaluation::CraftRules rules = {}) {
  ToyEnvironment environment;
  environment.models["itself"] = &model;
  const std::unique_ptr<Attack> plugin = attack(name, params);
  return craft(*plugin, model, batch, threat, rules, environment);
}

// Two pixels, two classes, separated by x_0 + x_1 = 1.
Toy diagonal() {
  return toy(std::make_shared<ToyNetwork>(std::vector<int64_t>{1, 1, 2},
                                          torch::tensor({0.f, 0.f, 10.f, 10.f}).view({2, 2}),
                                          torch::tensor({0.f, -10.f})));
}

TEST(Nattack, FoolsALinearModelWithinReachAndNoOther) {
  const Toy t = diagonal();
  const evaluation::CraftBatch batch = batch_of(*t.model, 40);
  const double epsilon = 0.1;
  // The boundary is |x_0 + x_1 - 1| / 2 away in Linf.
  const Tensor away = (batch.x.flatten(1).sum(1) - 1).abs() / 2;
  const evaluation::Crafted result =
      run_black_box("nattack", {{"steps", 200}, {"population", 30}, {"learning_rate", 0.05}},
                    *t.model, batch, threat_of(Norm::kLinf, epsilon));
  const Tensor near = away<0.95 * epsilon, far = away> epsilon + 1e-5;
  EXPECT_GT(near.sum().item<int64_t>(), 5);
  EXPECT_GT(far.sum().item<int64_t>(), 5);
  EXPECT_TRUE((result.confirmed | near.logical_not()).all().item<bool>());
  EXPECT_FALSE((result.confirmed & far).any().item<bool>());
}

TEST(Nattack, LastIterateIsTheSearchsOwnMean) {
  const Toy t = diagonal();
  const evaluation::CraftBatch batch = batch_of(*t.model, 20);
  evaluation::CraftRules rules;
  rules.track = false;
  const Tensor x =
      run_black_box("nattack", {{"steps", 60}, {"population", 30}, {"learning_rate", 0.05}},
                    *t.model, batch, threat_of(Norm::kLinf, 0.1), rules)
          .x;
  // The margin of the true class fell for every sample that had one to lose.
  const auto gap = [&](const Tensor& at) {
    return margin(Goal::kUntargeted)({t.model->bare_logits(at), {}, {}},
                                     {batch.index, batch.y, {}});
  };
  EXPECT_TRUE((gap(x) > gap(batch.x)).all().item<bool>());
}

TEST(Nattack, CountsItsQueries) {
  const Toy t = diagonal();
  const evaluation::CraftBatch batch = batch_of(*t.model, 3);
  evaluation::CraftRules rules;
  rules.track = false;
  const evaluation::Crafted result =
      run_black_box("nattack", {{"steps", 21}, {"population", 7}}, *t.model, batch,
                    threat_of(Norm::kLinf, 0.01), rules);
  // A population a step, and the mean itself in steps 0, 10 and 20.
  EXPECT_TRUE(torch::equal(result.queries, torch::full({3}, 21 * 7 + 3, torch::kLong)));
}

TEST(Nattack, EqualRewardsMoveNothing) {
  // The mean of five rewards of the second margin rounds to another number.
  for (const float margin : {0.f, 3.4285714f}) {
    const auto constant = std::make_shared<ToyNetwork>(
        std::vector<int64_t>{1, 2, 2}, torch::zeros({3, 4}), torch::tensor({margin, 0.f, 0.f}));
    const Toy t = toy(constant);
    evaluation::CraftBatch batch = batch_of(*t.model, 10);
    const Tensor x =
        run_black_box("nattack", {{"steps", 10}, {"population", 5}, {"learning_rate", 10.0}},
                      *t.model, batch, threat_of(Norm::kLinf, 0.3))
            .x;
    // Where it starts: 0.001 of a normal in tanh space, whose slope is at most 1/2.
    EXPECT_LT((x - batch.x).abs().max().item<double>(), 0.004) << margin;
  }
}

TEST(Nattack, NeedsScoresOnly) { EXPECT_EQ(attack("nattack")->facts().access, Access::kScore); }

TEST(Transfer, FromTheTargetItselfIsTheInnerAttack) {
  const Toy t = toy(curved({1, 6, 8}, 5));
  const evaluation::CraftBatch batch = batch_of(*t.model, 30);
  evaluation::CraftRules rules;
  rules.track = false;
  rules.seed = 3;
  const ParamMap pgd = {{"steps", 5}, {"step_size", 0.02}};
  ParamMap use = pgd;
  use["use"] = "pgd";
  const ThreatModel threat = threat_of(Norm::kLinf, 0.1);
  const evaluation::Crafted direct = run_black_box("pgd", pgd, *t.model, batch, threat, rules);
  const evaluation::Crafted by_way = run_black_box(
      "transfer", {{"source", "itself"}, {"attack", use}}, *t.model, batch, threat, rules);
  EXPECT_TRUE(torch::equal(direct.x, by_way.x));
  EXPECT_EQ(by_way.ledger.forwards, 0);
  EXPECT_EQ(by_way.ledger.source_forwards, 5 * 30);
  EXPECT_EQ(by_way.ledger.source_backwards, 5 * 30);
}

TEST(Transfer, NeedsASourceAndAnAttackThatRunsThere) {
  const Toy t = toy(curved({1, 6, 8}, 2));
  const ThreatModel threat = threat_of(Norm::kLinf, 0.1);
  EXPECT_NE(attack("transfer")->unsupported(threat, {.classes = 2}, Goal::kUntargeted), "");
  const ParamMap params = {{"source", "itself"},
                           {"attack", ParamMap{{"use", "pgd"}, {"loss", "dlr"}}}};
  EXPECT_EQ(attack("transfer", params)->unsupported(threat, {.classes = 2}, Goal::kUntargeted), "");
  EXPECT_THROW(run_black_box("transfer", params, *t.model, batch_of(*t.model, 3), threat),
               ParamError);
}

TEST(RandomNoise, IsOneDrawFromTheBallAndAsksNothing) {
  const Toy t = toy(linear({1, 6, 8}, 3));
  evaluation::CraftBatch batch = batch_of(*t.model, 100);
  batch.x = 0.4 + 0.2 * batch.x;
  for (const Norm norm : {Norm::kLinf, Norm::kL2, Norm::kL1}) {
    const ThreatModel threat = threat_of(norm, 0.2);
    const evaluation::Crafted result = run_black_box("random_noise", {}, *t.model, batch, threat);
    const Tensor distance = threat.distance(batch.x, result.x) / 0.2;
    EXPECT_LE(distance.max().item<double>(), 1 + 1e-5);
    // (radius / epsilon)^48 is uniform; in Linf the radius is the largest of the coordinates.
    EXPECT_NEAR(distance.pow(48).mean().item<double>(), 0.5, 4 * 0.289 / std::sqrt(100.0));
    EXPECT_EQ(result.ledger.queries, 0);
    EXPECT_FALSE(result.asked);
  }
}

TEST(RandomNoise, RestartsAreOtherDraws) {
  const Toy t = toy(linear({1, 6, 8}, 3, 0.3));
  const evaluation::CraftBatch batch = batch_of(*t.model, 100);
  evaluation::CraftRules rules;
  const auto broken = [&](int64_t restarts) {
    rules.restarts = restarts;
    const Tensor x =
        run_black_box("random_noise", {}, *t.model, batch, threat_of(Norm::kLinf, 0.4), rules).x;
    return (t.model->bare_logits(x).argmax(1) != batch.y).sum().item<int64_t>();
  };
  EXPECT_GT(broken(20), broken(1));
}

}  // namespace
}  // namespace gauntlet
