// What every attack promises, whatever it computes. Attacks are found in the plugin folder: a new
// one is held to the same.
#include <gtest/gtest.h>

#include "evaluation/craft.h"
#include "shipped_attacks.h"

namespace gauntlet {
namespace {
using namespace toys;

const std::vector<int64_t> kImage = {1, 5, 6};
const std::vector<Norm> kNorms = {Norm::kLinf, Norm::kL2, Norm::kL1};
constexpr int64_t kSamples = 9;

class AttackConformance : public ::testing::Test {
 protected:
  AttackConformance() { environment_.models["other"] = other_.model.get(); }

  evaluation::Crafted run(const Candidate& c, evaluation::DefendedModel& model,
                          const evaluation::CraftBatch& batch, const ThreatModel& threat,
                          evaluation::CraftRules rules = {}) {
    return craft(*c.attack, model, batch, threat, rules, environment_);
  }
  // The attack's own answer: no tracking, which would keep earlier hits.
  Tensor answer(const Candidate& c, evaluation::DefendedModel& model,
                const evaluation::CraftBatch& batch, const ThreatModel& threat,
                evaluation::CraftRules rules = {}) {
    rules.track = false;
    return run(c, model, batch, threat, rules).x;
  }
  // body(attack, threat) for each attack in each norm it supports.
  template <class Body>
  void each(const evaluation::DefendedModel& model, double epsilon, Body body) {
    const TargetFacts facts{model.classes(), model.stochastic(), model.surrogate(), false};
    for (const Candidate& c : attacks())
      for (const Norm norm : kNorms) {
        const ThreatModel threat = threat_of(norm, epsilon);
        if (!c.attack->unsupported(threat, facts, Goal::kUntargeted).empty()) continue;
        SCOPED_TRACE(c.name + " in norm " + std::to_string(int(norm)));
        body(c, threat);
      }
  }

  Toy toy_ = toy(curved(kImage, 4)), other_ = toy(curved(kImage, 4, /*seed=*/2));
  evaluation::CraftBatch batch_ = batch_of(*toy_.model, kSamples);
  ToyEnvironment environment_;
};

void expect_feasible(const ThreatModel& threat, const Tensor& clean, const Tensor& x) {
  ASSERT_EQ(x.sizes(), clean.sizes());
  EXPECT_EQ(x.scalar_type(), torch::kFloat);
  EXPECT_TRUE(x.isfinite().all().item<bool>());
  EXPECT_GE(x.min().item<double>(), 0);
  EXPECT_LE(x.max().item<double>(), 1);
  const Tensor excess = threat.distance(clean, x) - threat.epsilon.view(-1);
  EXPECT_LE(excess.max().item<double>(), 1e-6 * (1 + threat.epsilon.max().item<double>()));
}

TEST_F(AttackConformance, FindsThem) {
  std::set<std::string> names;
  for (const Candidate& c : attacks()) names.insert(c.name);
  for (const char* name : {"cw", "ddn", "external", "fab", "fgsm", "multitargeted", "nattack",
                           "pgd", "random_noise", "transfer"})
    EXPECT_TRUE(names.count(name)) << name;
}

TEST_F(AttackConformance, StaysInsideBallAndBox) {
  for (const double epsilon : {0.03, 0.4, 3.0})
    each(*toy_.model, epsilon, [&](const Candidate& c, const ThreatModel& threat) {
      expect_feasible(threat, batch_.x, answer(c, *toy_.model, batch_, threat));
    });
}

TEST_F(AttackConformance, WithTrackingToo) {
  each(*toy_.model, 0.4, [&](const Candidate& c, const ThreatModel& threat) {
    expect_feasible(threat, batch_.x, run(c, *toy_.model, batch_, threat).x);
  });
}

TEST_F(AttackConformance, EpsilonZeroChangesNothing) {
  each(*toy_.model, 0, [&](const Candidate& c, const ThreatModel& threat) {
    EXPECT_TRUE(torch::equal(answer(c, *toy_.model, batch_, threat), batch_.x));
  });
}

TEST_F(AttackConformance, EverySampleHasItsOwnEpsilon) {
  each(*toy_.model, 0.4, [&](const Candidate& c, ThreatModel threat) {
    threat.epsilon = (0.05 * torch::arange(kSamples, torch::kFloat)).view({-1, 1, 1, 1});
    const Tensor x = answer(c, *toy_.model, batch_, threat);
    expect_feasible(threat, batch_.x, x);
    EXPECT_TRUE(torch::equal(x[0], batch_.x[0]));
  });
}

TEST_F(AttackConformance, SameSeedSameAnswer) {
  each(*toy_.model, 0.3, [&](const Candidate& c, const ThreatModel& threat) {
    evaluation::CraftRules rules;
    rules.seed = 7;
    EXPECT_TRUE(torch::equal(answer(c, *toy_.model, batch_, threat, rules),
                             answer(c, *toy_.model, batch_, threat, rules)));
  });
}

TEST_F(AttackConformance, BatchesCanBeCutAnywhere) {
  each(*toy_.model, 0.3, [&](const Candidate& c, const ThreatModel& threat) {
    const Tensor whole = answer(c, *toy_.model, batch_, threat);
    for (const int64_t size : {1, 4}) {
      std::vector<Tensor> parts;
      for (int64_t i = 0; i < kSamples; i += size)
        parts.push_back(answer(c, *toy_.model, part(batch_, i, i + size), threat));
      EXPECT_TRUE(torch::equal(torch::cat(parts), whole)) << size;
    }
  });
}

TEST_F(AttackConformance, HostMayShuffleRows) {
  each(*toy_.model, 0.3, [&](const Candidate& c, const ThreatModel& threat) {
    evaluation::CraftRules shuffled;
    shuffled.shuffle = true;
    EXPECT_TRUE(torch::equal(answer(c, *toy_.model, batch_, threat, shuffled),
                             answer(c, *toy_.model, batch_, threat)));
  });
}

TEST_F(AttackConformance, CompactionChangesNoVerdict) {
  each(*toy_.model, 0.3, [&](const Candidate& c, const ThreatModel& threat) {
    evaluation::CraftRules whole;
    whole.compact = false;
    const evaluation::Crafted a = run(c, *toy_.model, batch_, threat);
    const evaluation::Crafted b = run(c, *toy_.model, batch_, threat, whole);
    EXPECT_TRUE(torch::equal(a.confirmed, b.confirmed));
    EXPECT_TRUE(torch::equal(a.x, b.x));
    EXPECT_LE(a.ledger.executed_forwards, b.ledger.executed_forwards);
  });
}

TEST_F(AttackConformance, SmoothedModelsGiveTheSameAnswerInAnyBatch) {
  const Toy smoothed =
      toy(curved(kImage, 4), {}, {{"smoothing", defense("smoothing", {{"sigma", 0.1}})}});
  ASSERT_TRUE(smoothed.model->stochastic());
  ASSERT_FALSE(smoothed.model->shared_noise());
  each(*smoothed.model, 0.3, [&](const Candidate& c, const ThreatModel& threat) {
    evaluation::CraftRules rules;
    rules.draws = 3;
    const Tensor whole = answer(c, *smoothed.model, batch_, threat, rules);
    const Tensor first = answer(c, *smoothed.model, part(batch_, 0, 4), threat, rules);
    const Tensor rest = answer(c, *smoothed.model, part(batch_, 4, kSamples), threat, rules);
    EXPECT_TRUE(torch::equal(torch::cat({first, rest}), whole));
  });
}

TEST_F(AttackConformance, ModelAndInputsAreAsBefore) {
  const auto state = [&] {
    std::vector<Tensor> out = {batch_.x.clone(), batch_.y.clone()};
    for (const models::NamedTensor& t : toy_.network->tensors()) out.push_back(t.tensor.clone());
    return out;
  };
  each(*toy_.model, 0.3, [&](const Candidate& c, const ThreatModel& threat) {
    const std::vector<Tensor> before = state();
    run(c, *toy_.model, batch_, threat);
    const std::vector<Tensor> after = state();
    for (size_t i = 0; i < before.size(); ++i) EXPECT_TRUE(torch::equal(before[i], after[i]));
    for (const models::NamedTensor& t : toy_.network->tensors()) {
      EXPECT_FALSE(t.tensor.requires_grad());
      EXPECT_FALSE(t.tensor.grad().defined());
    }
  });
}

TEST_F(AttackConformance, AConstantModelIsSurvived) {
  const Toy constant = toy(std::make_shared<ToyNetwork>(kImage, torch::zeros({4, 30}),
                                                        torch::tensor({1.f, 0.f, 0.f, 0.f})));
  const evaluation::CraftBatch batch = batch_of(*constant.model, kSamples);
  each(*constant.model, 0.3, [&](const Candidate& c, const ThreatModel& threat) {
    const evaluation::Crafted result = run(c, *constant.model, batch, threat);
    expect_feasible(threat, batch.x, result.x);
    EXPECT_FALSE(result.confirmed.any().item<bool>());
  });
}

TEST_F(AttackConformance, TwoClassesAndColourImages) {
  const Toy two = toy(curved({3, 4, 4}, 2)), source = toy(curved({3, 4, 4}, 2, /*seed=*/2));
  environment_.models["other"] = source.model.get();
  const evaluation::CraftBatch batch = batch_of(*two.model, kSamples);
  each(*two.model, 0.3, [&](const Candidate& c, const ThreatModel& threat) {
    expect_feasible(threat, batch.x, run(c, *two.model, batch, threat).x);
  });
}

TEST_F(AttackConformance, OnePixelIsAnImage) {
  const Toy tiny = toy(linear({1, 1, 1}, 2)), source = toy(linear({1, 1, 1}, 2, 1, /*seed=*/2));
  environment_.models["other"] = source.model.get();
  const evaluation::CraftBatch batch = batch_of(*tiny.model, 1);
  each(*tiny.model, 0.3, [&](const Candidate& c, const ThreatModel& threat) {
    expect_feasible(threat, batch.x, run(c, *tiny.model, batch, threat).x);
  });
}

// k steps of a longer run equal a run of k steps: whatever the shorter run asks, the longer asks
// too.
TEST_F(AttackConformance, APromisedPrefixIsOne) {
  const std::vector<Candidate> shorter = attacks(3), longer = attacks(5);
  int promised = 0;
  for (size_t i = 0; i < shorter.size(); ++i) {
    if (!shorter[i].attack->facts().prefix_nested) continue;
    SCOPED_TRACE(shorter[i].name);
    ++promised;
    for (const Norm norm : kNorms) {
      const auto asked = [&](const Candidate& c) {
        std::vector<Tensor> queries;
        evaluation::CraftRules rules;
        rules.observe = [&](const Rows&, const Tensor& x, const Outputs&) { queries.push_back(x); };
        answer(c, *toy_.model, batch_, threat_of(norm, 0.3), rules);
        return queries;
      };
      const std::vector<Tensor> few = asked(shorter[i]), many = asked(longer[i]);
      ASSERT_LT(few.size(), many.size());
      for (size_t q = 0; q < few.size(); ++q) EXPECT_TRUE(torch::equal(few[q], many[q])) << q;
    }
  }
  EXPECT_GE(promised, 1);
}

TEST_F(AttackConformance, ABudgetIsKept) {
  each(*toy_.model, 0.01, [&](const Candidate& c, const ThreatModel& threat) {
    evaluation::CraftRules rules;
    rules.max_queries = 3;
    const evaluation::Crafted result = run(c, *toy_.model, batch_, threat, rules);
    EXPECT_LE(result.queries.max().item<int64_t>(), 3);
    expect_feasible(threat, batch_.x, result.x);
  });
}

// The goal decides what an attack climbs towards: a targeted run reaches its target more often than
// chance, a hypocritical one brings wrong answers back.
TEST_F(AttackConformance, GoalsAreFollowed) {
  evaluation::CraftBatch batch = batch_of(*toy_.model, 40);
  const ThreatModel threat = threat_of(Norm::kLinf, 0.5);
  for (const Candidate& c : attacks()) {
    if (c.attack->facts().access != Access::kGradient) continue;
    SCOPED_TRACE(c.name);
    for (const Goal goal : {Goal::kTargeted, Goal::kHypocritical}) {
      const TargetFacts facts{4, false, false, false};
      if (!c.attack->unsupported(threat, facts, goal).empty()) continue;
      evaluation::CraftRules rules;
      rules.goal = goal;
      const Tensor wanted = (toy_.model->bare_logits(batch.x).argmax(1) + 1).remainder(4);
      evaluation::CraftBatch now = batch;
      if (goal == Goal::kTargeted)
        now.target = wanted;
      else
        now.y = wanted;
      const auto log_probability = [&](const Tensor& x) {
        const Tensor log = toy_.model->bare_logits(x).log_softmax(1);
        return log.gather(1, wanted.unsqueeze(1)).mean().item<double>();
      };
      const Tensor x = answer(c, *toy_.model, now, threat, rules);
      EXPECT_GT(log_probability(x), log_probability(batch.x)) << int(goal);
    }
  }
}

}  // namespace
}  // namespace gauntlet
