// Ensembles against their own members.
#include <gtest/gtest.h>

#include "evaluation/craft.h"
#include "tests/toys/toy_model.h"

namespace gauntlet {
namespace {
using namespace toys;

const std::vector<int64_t> kEnsembleImage = {1, 6, 8};

ParamMap pgd_of(const std::string& loss, int64_t steps = 6) {
  return {{"steps", steps}, {"step_size", 0.03}, {"loss", loss}};
}
ParamValue member(const std::string& name, ParamMap with = {}) {
  with["use"] = name;
  return with;
}
ParamMap members(ParamList list, ParamMap more = {}) {
  more["members"] = std::move(list);
  return more;
}
// The answer of the attack alone: nothing is tracked.
evaluation::CraftRules alone() {
  evaluation::CraftRules rules;
  rules.track = false;
  return rules;
}
evaluation::Crafted run_of(const std::string& name, const ParamMap& params, const Toy& t,
                           const evaluation::CraftBatch& batch, const ThreatModel& threat,
                           const evaluation::CraftRules& rules = alone()) {
  ToyEnvironment environment;
  return craft(*attack(name, params), *t.model, batch, threat, rules, environment);
}
Tensor margins_of(const Toy& t, const evaluation::CraftBatch& batch, const Tensor& x) {
  return margin(Goal::kUntargeted)({t.model->bare_logits(x), {}, {}}, {batch.index, batch.y, {}});
}
// Shares of single draws that are wrong, on draws that no attack has seen: [N].
Tensor errors_of(const Toy& t, const evaluation::CraftBatch& batch, const Tensor& x) {
  constexpr int64_t kDraws = 400;
  const Noise noise = noise_of(x.size(0), 77);
  Tensor wrong = torch::zeros({x.size(0)});
  for (int64_t draw = 0; draw < kDraws; ++draw)
    wrong += t.model->pass(x, noise.at(0, draw), models::Mode::kFolded).logits.argmax(1) != batch.y;
  return wrong / double(kDraws);
}
Toy noisy_toy(double sigma = 0.3) {
  return toy(curved(kEnsembleImage, 4), {},
             {{"smoothing", defense("smoothing", {{"sigma", sigma}, {"mc_samples", 1}})}});
}

TEST(Ensemble, OfOneMemberIsThatMember) {
  for (const Toy& t : {toy(curved(kEnsembleImage, 4)), noisy_toy()}) {
    const evaluation::CraftBatch batch = batch_of(*t.model, 30);
    const ThreatModel threat = threat_of(Norm::kLinf, 0.1);
    const ParamMap one = members({member("pgd", pgd_of("margin"))});
    EXPECT_TRUE(torch::equal(run_of("ensemble", one, t, batch, threat).x,
                             run_of("pgd", pgd_of("margin"), t, batch, threat).x));
  }
}

TEST(Ensemble, EndsWithTheBestMarginOfItsMembers) {
  const Toy t = toy(curved(kEnsembleImage, 5));
  const evaluation::CraftBatch batch = batch_of(*t.model, 60);
  const ThreatModel threat = threat_of(Norm::kLinf, 0.06);
  const ParamMap start = {{"start", "input"}};  // without noise members are what they are alone
  ParamMap ce = pgd_of("cross_entropy", 2), gap = pgd_of("margin", 2);
  ce["start"] = gap["start"] = "input";
  const Tensor all =
      run_of("ensemble", members({member("pgd", ce), member("pgd", gap)}), t, batch, threat).x;
  const Tensor a = margins_of(t, batch, run_of("pgd", ce, t, batch, threat).x);
  const Tensor b = margins_of(t, batch, run_of("pgd", gap, t, batch, threat).x);
  ASSERT_TRUE((a > b).any().item<bool>() && (b > a).any().item<bool>());
  EXPECT_TRUE(torch::equal(margins_of(t, batch, all), torch::maximum(a, b)));
}

TEST(Ensemble, LaterMembersAskOnlyAboutWhatWithstood) {
  const Toy t = toy(curved(kEnsembleImage, 5));
  const evaluation::CraftBatch batch = batch_of(*t.model, 40);
  const ThreatModel threat = threat_of(Norm::kLinf, 0.12);
  const ParamMap ce = pgd_of("cross_entropy");
  const evaluation::Crafted first = run_of("pgd", ce, t, batch, threat, {});
  const evaluation::Crafted both =
      run_of("ensemble", members({member("pgd", ce), member("pgd", pgd_of("margin", 9))}), t, batch,
             threat, {});
  const Tensor fell = first.confirmed;
  ASSERT_TRUE(fell.any().item<bool>() && fell.logical_not().any().item<bool>());
  EXPECT_TRUE(torch::equal(both.queries.masked_select(fell), first.queries.masked_select(fell)));
  EXPECT_TRUE((both.confirmed | fell.logical_not()).all().item<bool>());
  const Tensor stood = both.confirmed.logical_not();
  // Six steps and nine, and a query after each run.
  EXPECT_TRUE(both.queries.masked_select(stood).eq(6 + 1 + 9 + 1).all().item<bool>());
}

// A member that wins by its own loss may lose where it counts: by how often the defense errs.
TEST(Ensemble, OnNoiseKeepsTheAnswerThatWinsMoreDraws) {
  const Toy t = noisy_toy();
  ASSERT_TRUE(t.model->stochastic());
  const evaluation::CraftBatch batch = batch_of(*t.model, 60);
  const ThreatModel threat = threat_of(Norm::kLinf, 0.3);
  evaluation::CraftRules rules = alone();
  rules.draws = 8;
  ParamMap towards = pgd_of("cross_entropy", 8);
  towards["start"] = "input";
  const Tensor weak = errors_of(t, batch, run_of("random_noise", {}, t, batch, threat, rules).x);
  const Tensor strong = errors_of(t, batch, run_of("pgd", towards, t, batch, threat, rules).x);
  ASSERT_GT((strong - weak).mean().item<double>(), 0.1);
  for (const bool last : {true, false}) {  // whichever comes first
    ParamList list = {member("random_noise"), member("pgd", towards)};
    if (!last) std::swap(list[0], list[1]);
    const Tensor found = errors_of(
        t, batch,
        run_of("ensemble", members(list, {{"selection_draws", 128}}), t, batch, threat, rules).x);
    EXPECT_GE(found.mean().item<double>(), strong.mean().item<double>() - 0.02);
  }
}

// Wins by much on few draws: members that differ in how often, not in how much.
TEST(Ensemble, ManyLostDrawsCountMoreThanALargeMargin) {
  struct Fixed final : Attack {
    double to;
    explicit Fixed(double value) : to(value) {}
    AttackFacts facts() const override { return {.access = Access::kNone}; }
    Tensor run(Target&, const Task& task) override { return torch::full_like(task.x, to); }
  };
  struct Two final : evaluation::Environment {
    evaluation::DefendedModel& model(const ModelRef&) override { throw std::logic_error("none"); }
    std::unique_ptr<Attack> attack(const Use& use) override {
      return std::make_unique<Fixed>(use.plugin == "low" ? 0.4 : 0.9);
    }
  };
  // One pixel and two classes: the second is ahead by 100 (x - 1/2), of noise with sigma 1. At 0.9
  // it is ahead in more draws than at 0.4, where the label is the first.
  const Toy t = toy(std::make_shared<ToyNetwork>(std::vector<int64_t>{1, 1, 1},
                                                 torch::tensor({0.0, 100.0}).view({2, 1}),
                                                 torch::tensor({50.0, 0.0})),
                    {}, {{"smoothing", defense("smoothing", {{"sigma", 1.0}, {"mc_samples", 1}})}});
  evaluation::CraftBatch batch = batch_of(*t.model, 4);
  batch.x = torch::full_like(batch.x, 0.5), batch.y = torch::zeros_like(batch.y);
  for (const char* first : {"low", "high"}) {
    Two environment;
    const std::string second = first == std::string("low") ? "high" : "low";
    const auto both = attack("ensemble", members({member(first), member(second)}));
    const Tensor x =
        craft(*both, *t.model, batch, threat_of(Norm::kLinf, 0.5), alone(), environment).x;
    EXPECT_TRUE(x.eq(torch::full_like(x, 0.9)).all().item<bool>());
  }
}

TEST(Ensemble, BringsBackWhatLiesBeyondTheBall) {
  const Toy t = toy(linear(kEnsembleImage, 3));
  const evaluation::CraftBatch batch = batch_of(*t.model, 20);
  const ThreatModel threat = threat_of(Norm::kL2, 0.05);
  const Tensor far = run_of("ddn", {{"steps", 20}}, t, batch, threat_of(Norm::kL2, 50)).x;
  ASSERT_GT(threat.distance(batch.x, far).max().item<double>(), 0.1);
  const Tensor x =
      run_of("ensemble", members({member("ddn", {{"steps", 20}})}), t, batch, threat).x;
  EXPECT_LE(threat.distance(batch.x, x).max().item<double>(), 0.05 + 1e-6);
}

TEST(Ensemble, LeavesOutMembersWithoutAForm) {
  const Toy t = toy(curved(kEnsembleImage, 4));
  const evaluation::CraftBatch batch = batch_of(*t.model, 20);
  const ThreatModel threat = threat_of(Norm::kLinf, 0.1);  // ddn is for L2
  ASSERT_NE(attack("ddn")->unsupported(threat, {.classes = 4}, Goal::kUntargeted), "");
  ParamMap ce = pgd_of("cross_entropy");
  ce["start"] = "input";
  const ParamList both = {member("ddn"), member("pgd", ce)};
  EXPECT_TRUE(torch::equal(run_of("ensemble", members(both), t, batch, threat).x,
                           run_of("pgd", ce, t, batch, threat).x));
  EXPECT_THROW(run_of("ensemble", members({member("ddn")}), t, batch, threat), ParamError);
}

// What members are given, as they tell it.
struct Told {
  std::string name;
  int64_t restart;
  Tensor drawn;
};
struct Telling final : Attack {
  std::vector<Told>& told;
  std::string name;
  Telling(std::vector<Told>& to, std::string who) : told(to), name(std::move(who)) {}
  AttackFacts facts() const override { return {.access = Access::kNone}; }
  Tensor run(Target&, const Task& task) override {
    Noise noise = task.noise.at(0);
    told.push_back({name, task.restart, noise.uniform({2})});
    return task.x;
  }
};
struct Members final : evaluation::Environment {
  std::vector<Told> told;
  evaluation::DefendedModel& model(const ModelRef&) override { throw std::logic_error("none"); }
  std::unique_ptr<Attack> attack(const Use& use) override {
    return std::make_unique<Telling>(told, use.plugin);
  }
};

TEST(Ensemble, RepeatsMembersWithNoiseOfTheirOwn) {
  const Toy t = toy(curved(kEnsembleImage, 4));
  const evaluation::CraftBatch batch = batch_of(*t.model, 5);
  Members environment;
  evaluation::CraftRules rules = alone();
  rules.restarts = 2;
  craft(*attack("ensemble", members({member("a"), member("b")}, {{"repeats", ParamList{1, 3}}})),
        *t.model, batch, threat_of(Norm::kLinf, 0.1), rules, environment);
  std::string order;
  for (size_t i = 0; i < environment.told.size(); ++i) {
    const Told& one = environment.told[i];
    order += one.name + std::to_string(one.restart) + " ";
    for (size_t j = 0; j < i; ++j)
      EXPECT_FALSE(torch::equal(one.drawn, environment.told[j].drawn)) << i << " and " << j;
  }
  EXPECT_EQ(order, "a0 b0 b1 b2 a1 b3 b4 b5 ");
}

TEST(Ensemble, ABudgetLeavesTheBestSoFar) {
  const Toy t = toy(curved(kEnsembleImage, 5));
  const evaluation::CraftBatch batch = batch_of(*t.model, 20);
  const ThreatModel threat = threat_of(Norm::kLinf, 0.03);
  const ParamMap both = members(
      {member("pgd", pgd_of("margin")), member("nattack", {{"steps", 3}, {"population", 4}})});
  evaluation::CraftRules rules = alone();
  rules.max_queries = 6 + 1 + 3;  // stops in the second
  EXPECT_TRUE(torch::equal(run_of("ensemble", both, t, batch, threat, rules).x,
                           run_of("pgd", pgd_of("margin"), t, batch, threat).x));
}

TEST(Ensemble, SaysWhatCannotBe) {
  const ThreatModel threat = threat_of(Norm::kLinf, 0.1);
  const auto why = [&](const ParamMap& params) {
    return attack("ensemble", params)->unsupported(threat, {.classes = 5}, Goal::kUntargeted);
  };
  EXPECT_EQ(why({}), "");
  EXPECT_EQ(why(members({})), "members is empty, expected at least one attack");
  EXPECT_EQ(why({{"repeats", ParamList{1, 2, 3}}}),
            "repeats has 3 numbers for 2 members, expected one for each");
}

}  // namespace
}  // namespace gauntlet
