// MultiTargeted against its own members.
#include <gtest/gtest.h>

#include "evaluation/craft.h"
#include "tests/toys/toy_model.h"

namespace gauntlet {
namespace {
using namespace toys;

const std::vector<int64_t> kTargetedImage = {1, 6, 8};

evaluation::Crafted run_targets(const std::string& name, const ParamMap& params,
                                evaluation::DefendedModel& model,
                                const evaluation::CraftBatch& batch, const ThreatModel& threat,
                                evaluation::CraftRules rules = {}) {
  ToyEnvironment environment;
  return craft(*attack(name, params), model, batch, threat, rules, environment);
}
evaluation::CraftRules not_tracked() {
  evaluation::CraftRules rules;
  rules.track = false;
  return rules;
}
Tensor gap(const Toy& t, const Tensor& x, const evaluation::CraftBatch& batch) {
  return margin(Goal::kUntargeted)({t.model->bare_logits(x), {}, {}}, {batch.index, batch.y, {}});
}
ParamMap inner(const ParamMap& more = {}) {
  ParamMap use = {{"use", "pgd"}, {"steps", 6}, {"step_size", 0.03}};
  for (const auto& [name, value] : more) use[name] = value;
  return use;
}

TEST(MultiTargeted, OfTwoClassesIsPgdOnTheMargin) {
  const Toy t = toy(curved(kTargetedImage, 2));
  const evaluation::CraftBatch batch = batch_of(*t.model, 30);
  for (const Norm norm : {Norm::kLinf, Norm::kL2}) {
    const ThreatModel threat = threat_of(norm, 0.15);
    const Tensor all =
        run_targets("multitargeted", {{"attack", inner()}}, *t.model, batch, threat, not_tracked())
            .x;
    ParamMap plain = inner({{"loss", "margin"}});
    plain.erase("use");
    EXPECT_TRUE(
        torch::equal(all, run_targets("pgd", plain, *t.model, batch, threat, not_tracked()).x));
  }
}

// A loss that a trainer sets: towards one class.
Loss towards(int64_t shift, int64_t classes) {
  return [=](const Outputs& out, const Rows& rows) {
    const Tensor wanted = (rows.y + shift).remainder(classes);
    const auto of = [&](const Tensor& l) {
      return out.logits.gather(1, l.unsqueeze(1)).squeeze(1);
    };
    return of(wanted) - of(rows.y);
  };
}

TEST(MultiTargeted, EndsWithTheBestMarginOfItsMembers) {
  const int64_t classes = 5;
  const Toy t = toy(curved(kTargetedImage, classes));
  const evaluation::CraftBatch batch = batch_of(*t.model, 40);
  const ThreatModel threat = threat_of(Norm::kLinf, 0.08);
  const Tensor found = gap(
      t,
      run_targets("multitargeted", {{"attack", inner()}}, *t.model, batch, threat, not_tracked()).x,
      batch);
  Tensor best = torch::full({40}, -1e9);
  ParamMap plain = inner();
  plain.erase("use");
  for (int64_t shift = 1; shift < classes; ++shift) {
    evaluation::CraftRules rules = not_tracked();
    rules.loss = towards(shift, classes);
    best = torch::maximum(
        best, gap(t, run_targets("pgd", plain, *t.model, batch, threat, rules).x, batch));
  }
  EXPECT_TRUE(torch::equal(found, best));
}

TEST(MultiTargeted, TriesTheLikeliestClassesFirst) {
  const Toy t = toy(curved(kTargetedImage, 5));
  const evaluation::CraftBatch batch = batch_of(*t.model, 30);
  const ThreatModel threat = threat_of(Norm::kLinf, 0.08);
  const evaluation::Crafted one =
      run_targets("multitargeted", {{"targets", 1}, {"attack", inner()}}, *t.model, batch, threat,
                  not_tracked());
  // The clean scores, six steps, and the margin of what they found.
  EXPECT_TRUE(one.queries.eq(1 + 6 + 1).all().item<bool>());
  const Tensor order = t.model->bare_logits(batch.x).argsort(1, /*descending=*/true);
  const Tensor second = order.select(1, 1);
  evaluation::CraftRules rules = not_tracked();
  rules.loss = [second](const Outputs& out, const Rows& rows) {
    const auto of = [&](const Tensor& l) {
      return out.logits.gather(1, l.unsqueeze(1)).squeeze(1);
    };
    return of(rows.of(second)) - of(rows.y);
  };
  ParamMap plain = inner();
  plain.erase("use");
  EXPECT_TRUE(torch::equal(one.x, run_targets("pgd", plain, *t.model, batch, threat, rules).x));
}

TEST(MultiTargeted, ASampleThatFellIsLeftAlone) {
  const Toy t = toy(curved(kTargetedImage, 5));
  const evaluation::CraftBatch batch = batch_of(*t.model, 40);
  const evaluation::Crafted c = run_targets("multitargeted", {{"attack", inner()}}, *t.model, batch,
                                            threat_of(Norm::kLinf, 0.5));
  EXPECT_GT(c.confirmed.sum().item<int64_t>(), 30);
  EXPECT_LT(c.ledger.executed_forwards, 40 * (1 + 4 * 7) / 2);
}

TEST(MultiTargeted, ABudgetLeavesTheBestSoFar) {
  const Toy t = toy(curved(kTargetedImage, 5));
  const evaluation::CraftBatch batch = batch_of(*t.model, 20);
  const ThreatModel threat = threat_of(Norm::kLinf, 0.02);
  evaluation::CraftRules rules = not_tracked();
  rules.max_queries = 1 + 7 + 3;  // stops in the second class
  const Tensor stopped =
      run_targets("multitargeted", {{"attack", inner()}}, *t.model, batch, threat, rules).x;
  const Tensor first = run_targets("multitargeted", {{"targets", 1}, {"attack", inner()}}, *t.model,
                                   batch, threat, not_tracked())
                           .x;
  EXPECT_TRUE(torch::equal(stopped, first));
}

// An inner attack proposes its own best, which in the second class may be worse than the first's.
TEST(MultiTargeted, ABudgetLeavesTheBestWhateverTheInnerAttackProposes) {
  const Toy t = toy(curved(kTargetedImage, 5));
  const evaluation::CraftBatch batch = batch_of(*t.model, 20);
  const ThreatModel threat = threat_of(Norm::kLinf, 0.02);
  const ParamMap search = {{"use", "nattack"}, {"steps", 3}, {"population", 4}};
  evaluation::CraftRules rules = not_tracked();
  rules.max_queries = 1 + (1 + 3 * 4 + 1) + 6;  // stops in the second class
  const Tensor stopped =
      run_targets("multitargeted", {{"attack", search}}, *t.model, batch, threat, rules).x;
  const Tensor first = run_targets("multitargeted", {{"targets", 1}, {"attack", search}}, *t.model,
                                   batch, threat, not_tracked())
                           .x;
  EXPECT_TRUE(torch::equal(stopped, first));
}

TEST(MultiTargeted, IsForUntargetedGoals) {
  const auto plugin = attack("multitargeted");
  const ThreatModel threat = threat_of(Norm::kLinf, 0.1);
  EXPECT_EQ(plugin->unsupported(threat, {.classes = 5}, Goal::kUntargeted), "");
  for (const Goal goal : {Goal::kTargeted, Goal::kHypocritical})
    EXPECT_NE(plugin->unsupported(threat, {.classes = 5}, goal).find("untargeted"),
              std::string::npos);
}

}  // namespace
}  // namespace gauntlet
