// Smallest perturbations that must end inside a ball: shortened, and as the inner attack of others.
#include "evaluation/bounds.h"
#include "evaluation/craft.h"
#include "plugins/attacks/minimal_norm/minimal_norm.h"

namespace gauntlet {
namespace {
using namespace toys;

Tensor along(const Tensor& a, const Tensor& b) { return (a * b).flatten(1).sum(1); }

TEST(Ddn, AnswersAreShortenedToMaxNorm) {
  const Toy t = toy(curved(kImage, 5));
  const evaluation::CraftBatch batch = batch_of(*t.model, 20);
  const Tensor whole = answer("ddn", {}, t, batch, Norm::kL2) - batch.x;
  const Tensor least = whole.flatten(1).norm(2, {1});
  const double cap = least.median().item<double>();
  const Tensor x = answer("ddn", {{"max_norm", cap}}, t, batch, Norm::kL2);
  const Tensor shorter = x - batch.x;
  EXPECT_TRUE(torch::allclose(shorter.flatten(1).norm(2, {1}), least.clamp_max(cap), 0, 1e-5));
  EXPECT_TRUE(torch::allclose(along(shorter, whole), least.clamp_max(cap) * least, 1e-4, 1e-5));
  const Tensor near = least <= cap;  // left as they are, levels and all
  EXPECT_TRUE(torch::equal(shorter.index({near}), whole.index({near})));
}

// In training the ball is the cap: what lies beyond it must not become the clean image.
TEST(Ddn, ShortenedAnswersAreInTheBallOfThatNorm) {
  const Toy t = toy(linear(kImage, 3, 0.3)),
            noisy = toy(curved(kImage, 5), {},
                        {{"smoothing", defense("smoothing", {{"sigma", 0.05}})}});
  for (const Toy* of : {&t, &noisy}) {
    const evaluation::CraftBatch batch = batch_of(*of->model, 20);
    const ThreatModel threat = threat_of(Norm::kL2, 0.05);
    const Tensor x = run("ddn", {{"max_norm", 0.05}}, *of->model, batch, threat).x;
    const Tensor moved = length(Norm::kL2, batch, x);
    EXPECT_LE(moved.max().item<double>(), 0.05 * (1 + 1e-4));
    EXPECT_GE(moved.median().item<double>(), 0.05 * (1 - 1e-4));
  }
  const evaluation::CraftBatch batch = batch_of(*noisy.model, 20);
  const Tensor x = run("ddn", {{"max_norm", 0.05}}, *noisy.model, batch, threat_of(Norm::kL2, 1)).x;
  EXPECT_LE(length(Norm::kL2, batch, x).max().item<double>(), 0.05 * (1 + 1e-4));
}

const ParamMap kFew = {{"steps", 80}};
ParamMap use(const Case& c) { return with(kFew, "use", c.attack); }

// What the inner attack finds beyond the ball is brought back to it.
TEST(InnerMinimalNorm, TransferAnswersFromInsideTheBall) {
  const Toy t = toy(curved(kImage, 5)), source = toy(curved(kImage, 5, /*seed=*/2));
  const evaluation::CraftBatch batch = batch_of(*t.model, 20);
  ToyEnvironment environment;
  environment.models["source"] = source.model.get();
  evaluation::CraftRules rules;
  rules.track = false;
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.attack + " in norm " + std::to_string(int(c.norm)));
    const Tensor found = answer(c.attack, kFew, source, batch, c.norm) - batch.x;
    const Tensor away = length(c.norm, batch, batch.x + found);
    const ThreatModel threat = threat_of(c.norm, 0.5 * away.max().item<double>());
    const auto plugin = attack("transfer", {{"source", "source"}, {"attack", use(c)}});
    const Tensor x = craft(*plugin, *t.model, batch, threat, rules, environment).x;
    EXPECT_TRUE(threat.contains(batch.x, x).all().item<bool>());
    EXPECT_TRUE(torch::allclose(x, batch.x + threat.project(batch.x, found), 0, 1e-6));
  }
}

TEST(InnerMinimalNorm, MultitargetedAnswersFromInsideTheBall) {
  const Toy t = toy(curved(kImage, 5));
  const evaluation::CraftBatch batch = batch_of(*t.model, 20);
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.attack + " in norm " + std::to_string(int(c.norm)));
    const double epsilon = c.norm == Norm::kL2 ? 0.1 : 0.02;
    const ThreatModel threat = threat_of(c.norm, epsilon);
    const auto crafted = [&](const evaluation::CraftRules& rules) {
      return run("multitargeted", {{"targets", 2}, {"attack", use(c)}}, *t.model, batch, threat,
                 rules);
    };
    evaluation::CraftRules
        outside;  // a loss from outside has no targets: the inner attack runs once with it
    outside.loss = margin(Goal::kUntargeted);
    for (const evaluation::CraftRules& rules : {evaluation::CraftRules{}, outside}) {
      const Tensor x = crafted(rules).x;
      EXPECT_TRUE(threat.contains(batch.x, x).all().item<bool>());
      EXPECT_GE(length(c.norm, batch, x).median().item<double>(), 0.99 * epsilon);
      EXPECT_GT((margins(t, batch, x) - margins(t, batch, batch.x)).mean().item<double>(), 0);
    }
  }
}

}  // namespace
}  // namespace gauntlet
