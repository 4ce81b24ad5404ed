// HopSkipJump on a defense that draws noise: a decision is one draw.
#include <gtest/gtest.h>

#include "evaluation/craft.h"
#include "tests/toys/toy_model.h"

namespace gauntlet {
namespace {
using namespace toys;

struct DrawsNoise final : Defense, TransformsInput {
  Tensor forward(const Tensor& x, Noise& noise) override {
    return x + 0.2 * noise.normal(x.sizes().slice(1));
  }
};
Toy drawing() { return toy(curved({1, 6, 8}, 4), {}, {{"noise", std::make_shared<DrawsNoise>()}}); }
evaluation::CraftBatch drawn_batch(const Toy& t, int64_t n) {
  evaluation::CraftBatch batch = batch_of(*t.model, n);
  batch.x = 0.3 + 0.4 * batch.x;
  batch.y = t.model->bare_logits(batch.x).argmax(1);
  return batch;
}
evaluation::Crafted decide_on(const ParamMap& params, const Toy& t,
                              const evaluation::CraftBatch& batch, const ThreatModel& threat) {
  ToyEnvironment environment;
  return craft(*attack("hopskipjump", params), *t.model, batch, threat, {}, environment);
}
// Of 200 fresh draws, the share that is wrong: [N].
Tensor wrong_draws(const Toy& t, const evaluation::CraftBatch& batch, const Tensor& x) {
  const Noise noise = noise_of(x.size(0), 77);
  Tensor wrong = torch::zeros({x.size(0)});
  for (int64_t draw = 0; draw < 200; ++draw)
    wrong += t.model->pass(x, noise.at(0, draw), models::Mode::kFolded).logits.argmax(1) != batch.y;
  return wrong / 200;
}

TEST(HopSkipJumpUnderNoise, FindsADirectionThatFreshDrawsFollow) {
  const Toy t = drawing();
  ASSERT_TRUE(t.model->stochastic());
  const evaluation::CraftBatch batch = drawn_batch(t, 30);
  const double before = wrong_draws(t, batch, batch.x).mean().item<double>();
  EXPECT_LT(before, 0.5);
  for (const Norm norm : {Norm::kLinf, Norm::kL2}) {
    const ThreatModel threat = threat_of(norm, norm == Norm::kLinf ? 0.15 : 0.9);
    const Tensor x = decide_on({{"steps", 10}}, t, batch, threat).x;
    const Tensor start = decide_on({{"steps", 1}, {"init_evaluations", 1}}, t, batch, threat).x;
    const double after = wrong_draws(t, batch, x).mean().item<double>();
    EXPECT_GT(after, before + 0.35) << int(norm);
    EXPECT_GT(after, wrong_draws(t, batch, start).mean().item<double>() + 0.05);
    EXPECT_GE(threat.distance(batch.x, x).min().item<double>(),
              0.8 * threat.epsilon.item<double>());
  }
}

// The nearest point is at the boundary of the majority: about half the draws.
TEST(HopSkipJumpUnderNoise, TheNearestPointLiesWhereHalfTheDrawsAreWrong) {
  const Toy t = drawing();
  const evaluation::CraftBatch batch = drawn_batch(t, 30);
  const Tensor x = decide_on({{"steps", 5}, {"votes", 25}, {"under_noise", "nearest"}}, t, batch,
                             threat_of(Norm::kL2, 100))
                       .x;
  const Tensor sure = wrong_draws(t, batch, batch.x) < 0.2;  // others lie beyond it
  ASSERT_GT(sure.sum().item<int64_t>(), 5);
  const Tensor wrong = wrong_draws(t, batch, x).masked_select(sure);
  EXPECT_GT(wrong.mean().item<double>(), 0.3);
  EXPECT_LT(wrong.mean().item<double>(), 0.65);
}

// Where every draw says the same, three of five votes settle a question.
TEST(HopSkipJumpUnderNoise, MajoritiesCostTheirVotes) {
  const Toy t = toy(std::make_shared<ToyNetwork>(std::vector<int64_t>{1, 3, 3},
                                                 0.1 * noise_of(1).shared_normal({2, 9}),
                                                 torch::tensor({100.f, 0.f})),
                    {}, {{"noise", std::make_shared<DrawsNoise>()}});
  ToyEnvironment environment;
  const evaluation::CraftBatch batch = batch_of(*t.model, 4);
  const auto queries = [&](const ParamMap& params) {
    ParamMap with = params;
    with["start_tries"] = 10;
    return decide_on(with, t, batch, threat_of(Norm::kL2, 1)).queries.max().item<int64_t>();
  };
  ASSERT_TRUE(t.model->stochastic());
  EXPECT_EQ(queries({}), 10 * 3);
  EXPECT_EQ(queries({{"votes", 1}}), 10);
  EXPECT_EQ(queries({{"votes", 9}}), 10 * 5);
}

// Noise in weights is one draw for all rows of a query: who is asked more often shifts the draws of
// the others. Noise of each row's own does not, nor do steps that ask about all rows at once.
TEST(HopSkipJumpUnderNoise, IsKnownToAskUnevenlyWhereImagesShareDraws) {
  const auto uneven = [](const Toy& t, const char* name, const ParamMap& params) {
    ToyEnvironment environment;
    const evaluation::CraftBatch batch = drawn_batch(t, 12);
    return craft(*attack(name, params), *t.model, batch, threat_of(Norm::kL2, 0.9), {}, environment)
        .uneven;
  };
  const Toy own = drawing(),
            shared = toy(linear({1, 6, 8}, 4, 0.5), {defense("pni", {{"initial", 0.5}})});
  ASSERT_FALSE(own.model->shared_noise());
  ASSERT_TRUE(shared.model->shared_noise());
  EXPECT_TRUE(uneven(shared, "hopskipjump", {{"steps", 2}}));
  EXPECT_FALSE(uneven(own, "hopskipjump", {{"steps", 2}}));
  EXPECT_FALSE(uneven(shared, "pgd", {{"steps", 4}}));
}

}  // namespace
}  // namespace gauntlet
