// Hits by the margin that an attack asks for.
#include "evaluation/craft.h"
#include "plugins/attacks/minimal_norm/minimal_norm.h"

namespace gauntlet {
namespace {
using namespace toys;

// The host keeps hits, as it does unless a suite wants the last iterate.
evaluation::Crafted kept(double kappa, const Toy& t, const evaluation::CraftBatch& batch,
                         double epsilon) {
  ToyEnvironment environment;
  const ParamMap params = {{"kappa", kappa}, {"rounds", 4}, {"steps", 30}, {"initial_c", 1.0}};
  return craft(*attack("cw", params), *t.model, batch, threat_of(Norm::kL2, epsilon), {},
               environment);
}

TEST(Confidence, KappaIsTheMarginOfWhatTheHostKeeps) {
  const Toy t = toy(linear(kImage, 3));
  const evaluation::CraftBatch batch = batch_of(*t.model, 20);
  for (const double kappa : {0.0, 1.0, 3.0}) {
    const evaluation::Crafted c = kept(kappa, t, batch, kFar);
    ASSERT_TRUE(c.confirmed.all().item<bool>());
    EXPECT_GE(margins(t, batch, c.x).min().item<double>(), kappa - 1e-4);
  }
}

TEST(Confidence, AHitThatIsLessSureIsKeptWhereNoneIsSurer) {
  const Toy t = toy(linear(kImage, 3));
  const evaluation::CraftBatch batch = batch_of(*t.model, 40);
  const double epsilon = 0.4;  // enough to win, for many not by so much
  const evaluation::Crafted sure = kept(2, t, batch, epsilon);
  const Tensor margin = margins(t, batch, sure.x);
  EXPECT_GT(((margin > 0) & (margin < 2)).sum().item<int64_t>(), 0);
  EXPECT_GT((margin >= 2 - 1e-4).sum().item<int64_t>(), 0);
  // Either counts: no defense looks more robust because its attacker asked for more.
  EXPECT_TRUE(torch::equal(sure.confirmed, margin > 0));
}

TEST(Confidence, OtherAttacksGoOnUntilTheyAreSure) {
  const Toy t = toy(linear(kImage, 3));
  const evaluation::CraftBatch batch = batch_of(*t.model, 20);
  struct Walks final : Attack {
    double wanted = 0;
    AttackFacts facts() const override {
      return {.access = Access::kGradient, .confidence = wanted};
    }
    Tensor run(Target& target, const Task& task) override {
      Tensor delta = torch::zeros_like(task.x);
      for (int step = 0; step < 30; ++step) {
        const Tensor g = target.gradient(task.x + delta, margin(task.goal)).x;
        delta = task.threat.project(task.x, delta + 0.05 * task.threat.steepest(g));
      }
      return task.x + delta;
    }
  };
  for (const double wanted : {0.0, 2.0}) {
    Walks walks;
    walks.wanted = wanted;
    ToyEnvironment environment;
    const evaluation::Crafted c =
        craft(walks, *t.model, batch, threat_of(Norm::kL2, kFar), {}, environment);
    EXPECT_GE(margins(t, batch, c.x).min().item<double>(), wanted - 1e-4);
    if (wanted == 0) {
      EXPECT_LT(margins(t, batch, c.x).min().item<double>(), 1);
    }
  }
}

}  // namespace
}  // namespace gauntlet
