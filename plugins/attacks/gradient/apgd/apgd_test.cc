// Auto-PGD against closed forms, and in L1 and towards classes.
#include <gmock/gmock.h>

#include <numeric>

#include "plugins/attacks/gradient/gradient_steps.h"
#include "plugins/attacks/gradient/recording_target.h"

namespace gauntlet {
namespace {
using namespace toys;
using ::testing::HasSubstr;

const std::vector<int64_t> kApgdImage = {1, 6, 8};

Tensor apgd_answer(const ParamMap& params, const Toy& t, const evaluation::CraftBatch& batch,
                   const ThreatModel& threat, const evaluation::CraftRules& rules = {}) {
  Asked asked;
  return listened("apgd", params, t, batch, threat, asked, rules).x;
}
Tensor loss_of_toy(const Loss& loss, const Toy& t, const evaluation::CraftBatch& batch,
                   const Tensor& x) {
  return loss({t.model->bare_logits(x), {}, {}}, {batch.index, batch.y, batch.target});
}

TEST(ApgdChecks, FallAsPublished) {
  const auto checks = [](int64_t steps) {
    std::vector<int64_t> out = check_windows(steps);
    std::partial_sum(out.begin(), out.end(), out.begin());
    return out;
  };
  EXPECT_EQ(checks(100), (std::vector<int64_t>{22, 41, 57, 70, 80, 87, 93, 99}));
  EXPECT_EQ(checks(50), (std::vector<int64_t>{11, 21, 30, 38, 45}));
  EXPECT_EQ(checks(1), (std::vector<int64_t>{1}));
  EXPECT_EQ(checks(3), (std::vector<int64_t>{1, 2, 3}));
}

TEST(Apgd, StartsAtTheEdgeOfTheBall) {
  const Toy t = toy(curved(kApgdImage, 4));
  const evaluation::CraftBatch batch = middling(t, 10);
  for (const Norm norm : {Norm::kLinf, Norm::kL2}) {
    const ThreatModel threat = threat_of(norm, 0.1);
    Asked asked;
    listened("apgd", {{"steps", 3}}, t, batch, threat, asked);
    ASSERT_EQ(asked.gradients.size(), 3u);
    const Tensor far = threat.distance(batch.x, asked.gradients[0]);
    EXPECT_TRUE(torch::allclose(far, torch::full_like(far, 0.1), 0, 1e-6));
  }
}

TEST(Apgd, ReachesTheCornerInOneStepOfAConstantGradient) {
  const Toy t = toy(linear(kApgdImage, 2, 0.3));
  const evaluation::CraftBatch batch = middling(t, 20);
  const ThreatModel threat = threat_of(Norm::kLinf, 0.2);
  const Tensor w = t.network->tensors()[0].tensor;
  const Tensor up = torch::where(per_image(batch.y == 0), (w[1] - w[0]).view({1, 1, 6, 8}),
                                 (w[0] - w[1]).view({1, 1, 6, 8}));
  const Tensor corner = batch.x + 0.2 * up.sign();
  for (const int steps : {1, 2, 17}) {
    const Tensor x = apgd_answer({{"steps", steps}, {"loss", "margin"}}, t, batch, threat);
    EXPECT_TRUE(torch::allclose(x, corner, 0, 1e-6)) << steps;
  }
}

TEST(Apgd, AnswersWithTheBestIterateAndNeverProposesAWorseOne) {
  const Toy t = toy(curved(kApgdImage, 5));
  const evaluation::CraftBatch batch = batch_of(*t.model, 30);
  for (const Norm norm : {Norm::kLinf, Norm::kL2}) {
    Asked asked;
    const Tensor x = listened("apgd", {{"steps", 30}}, t, batch,
                              threat_of(norm, norm == Norm::kL2 ? 1.0 : 0.2), asked)
                         .x;
    const auto loss = [&](const Tensor& at) {
      return loss_of_toy(cross_entropy(Goal::kUntargeted), t, batch, at);
    };
    Tensor best = loss(asked.losses.back().first), before = torch::full({30}, -1e9);
    for (const Tensor& at : asked.gradients) best = torch::maximum(best, loss(at));
    EXPECT_TRUE(torch::allclose(loss(x), best, 1e-5, 1e-6));
    ASSERT_EQ(asked.proposed.size(), 1u + 31u);
    for (const Tensor& at : asked.proposed) {
      EXPECT_GE((loss(at) - before).min().item<double>(), -1e-5);
      before = loss(at);
    }
  }
}

TEST(Apgd, ABudgetLeavesTheBestSoFar) {
  const Toy t = toy(curved(kApgdImage, 5));
  const evaluation::CraftBatch batch = batch_of(*t.model, 20);
  for (const Norm norm : {Norm::kLinf, Norm::kL1}) {
    evaluation::CraftRules rules;
    rules.max_queries = 9;
    Asked asked;
    const ThreatModel threat = threat_of(norm, norm == Norm::kL1 ? 2.0 : 0.05);
    const Tensor x =
        listened("apgd", {{"steps", norm == Norm::kL1 ? 10 : 40}}, t, batch, threat, asked, rules)
            .x;
    EXPECT_LE(threat.distance(batch.x, x).max().item<double>(),
              threat.epsilon.item<double>() + 1e-5);
    EXPECT_TRUE(torch::equal(x, asked.proposed.back()));
    EXPECT_GT(
        loss_of_toy(cross_entropy(Goal::kUntargeted), t, batch, x).mean().item<double>(),
        loss_of_toy(cross_entropy(Goal::kUntargeted), t, batch, batch.x).mean().item<double>());
  }
}

// max <g, delta> over the L1 ball and the box: greedy by |g|.
double best_of_l1(const Tensor& gradient, const Tensor& x, double epsilon) {
  const Tensor order = gradient.abs().argsort(0, /*descending=*/true);
  double value = 0, left = epsilon;
  for (int64_t i = 0; i < order.size(0); ++i) {
    const int64_t at = order[i].item<int64_t>();
    const double g = gradient[at].item<double>(), v = x[at].item<double>();
    const double step = std::min(left, g > 0 ? 1 - v : v);
    value += std::fabs(g) * step, left -= step;
  }
  return value;
}

TEST(ApgdInL1, ReachesTheOptimumOfALinearModelWithinBallAndBox) {
  const Toy t = toy(linear(kApgdImage, 2, 0.3));
  const evaluation::CraftBatch batch = batch_of(*t.model, 12);
  const Tensor w = t.network->tensors()[0].tensor;
  for (const double epsilon : {0.5, 3.0, 8.0}) {
    const ThreatModel threat = threat_of(Norm::kL1, epsilon);
    const Tensor x = apgd_answer({{"steps", 100}, {"loss", "margin"}}, t, batch, threat);
    EXPECT_LE(threat.distance(batch.x, x).max().item<double>(), epsilon + 1e-5);
    EXPECT_TRUE(((x >= 0) & (x <= 1)).all().item<bool>());
    for (int64_t i = 0; i < 12; ++i) {
      const Tensor g = batch.y[i].item<int64_t>() == 0 ? w[1] - w[0] : w[0] - w[1];
      const double rise = (x[i] - batch.x[i]).flatten().dot(g).item<double>();
      EXPECT_GT(rise, 0.99 * best_of_l1(g, batch.x[i].flatten(), epsilon)) << epsilon;
    }
  }
}

TEST(ApgdInL1, IsNoWeakerThanPgd) {
  const Toy t = toy(curved(kApgdImage, 5));
  const evaluation::CraftBatch batch = batch_of(*t.model, 100);
  for (const double epsilon : {0.5, 1.5}) {
    const auto gap = [&](const char* name) {
      Asked asked;
      const Tensor x = listened(name, {{"steps", 60}, {"loss", "margin"}}, t, batch,
                                threat_of(Norm::kL1, epsilon), asked)
                           .x;
      return loss_of_toy(margin(Goal::kUntargeted), t, batch, x);
    };
    EXPECT_GT((gap("apgd") - gap("pgd")).mean().item<double>(), -0.02) << epsilon;
  }
}

TEST(ApgdInL1, ShrinksTheBallInThreeStages) {
  const Toy t = toy(curved(kApgdImage, 4));
  const evaluation::CraftBatch batch = batch_of(*t.model, 20);
  const ThreatModel threat = threat_of(Norm::kL1, 1.0);
  Asked asked;
  listened("apgd", {{"steps", 20}}, t, batch, threat, asked);
  ASSERT_EQ(asked.gradients.size(), 20u);
  for (size_t i = 0; i < 20; ++i) {
    const double radius = i < 6 ? 3 : i < 12 ? 2 : 1;
    const double far = threat.distance(batch.x, asked.gradients[i]).max().item<double>();
    EXPECT_LE(far, radius + 1e-4) << i;
    EXPECT_GT(far, radius - 0.1) << i;
  }
}

// What a loss says of the clean logits tells which class it climbs towards.
TEST(ApgdTowardsClasses, TakesTheLikeliestWrongOnesInTurn) {
  const Toy t = toy(curved(kApgdImage, 5));
  const evaluation::CraftBatch batch = batch_of(*t.model, 20);
  const Tensor logits = t.model->bare_logits(batch.x);
  const Tensor sorted = std::get<0>(logits.sort(1, /*descending=*/true));
  const Tensor scale = sorted.select(1, 0) - (sorted.select(1, 2) + sorted.select(1, 3)) / 2;
  for (const int targets : {1, 3, 9}) {
    Asked asked;
    const evaluation::Crafted out =
        listened("apgd", {{"steps", 4}, {"loss", "dlr_targeted"}, {"targets", targets}}, t, batch,
                 threat_of(Norm::kLinf, 0.02), asked);
    const int64_t runs = std::min(targets, 4);
    ASSERT_EQ(asked.climbed.size(), size_t(4 * runs));
    // The clean scores; of each run 4 gradients and a loss; which is the best.
    EXPECT_TRUE(out.queries.eq(1 + 5 * runs + (runs > 1 ? runs : 0)).all().item<bool>());
    for (size_t i = 0; i < asked.climbed.size(); ++i) {
      const Tensor expected = (sorted.select(1, int64_t(i / 4) + 1) - sorted.select(1, 0)) / scale;
      const Tensor said = asked.climbed[i]({logits, {}, {}}, {batch.index, batch.y, {}});
      EXPECT_TRUE(torch::allclose(said, expected, 1e-5, 1e-6)) << i;
    }
  }
}

TEST(ApgdTowardsClasses, AnswersWithTheBestMarginOfTheRuns) {
  const Toy t = toy(curved(kApgdImage, 5));
  const evaluation::CraftBatch batch = batch_of(*t.model, 30);
  Asked asked;
  const Tensor x = listened("apgd", {{"steps", 10}, {"loss", "dlr_targeted"}}, t, batch,
                            threat_of(Norm::kLinf, 0.05), asked)
                       .x;
  const auto gap = [&](const Tensor& at) {
    return loss_of_toy(margin(Goal::kUntargeted), t, batch, at);
  };
  Tensor best = torch::full({30}, -1e9);
  for (size_t i = 1; i < asked.losses.size(); i += 2)  // after each run
    best = torch::maximum(best, gap(asked.losses[i].first));
  ASSERT_EQ(asked.losses.size(), 8u);
  EXPECT_TRUE(torch::equal(gap(x), best));
  EXPECT_TRUE(torch::equal(asked.proposed.back(), x));
}

TEST(ApgdTowardsClasses, OfATargetedGoalIsOneRun) {
  const Toy t = toy(curved(kApgdImage, 5));
  evaluation::CraftBatch batch = batch_of(*t.model, 20);
  batch.target = (batch.y + 1).remainder(5);
  evaluation::CraftRules rules;
  rules.goal = Goal::kTargeted;
  const ThreatModel threat = threat_of(Norm::kLinf, 0.1);
  const auto by = [&](const char* loss) {
    return apgd_answer({{"steps", 8}, {"loss", loss}}, t, batch, threat, rules);
  };
  EXPECT_TRUE(torch::equal(by("dlr_targeted"), by("dlr")));
  EXPECT_GT((loss_of_toy(dlr(Goal::kTargeted), t, batch, by("dlr")) -
             loss_of_toy(dlr(Goal::kTargeted), t, batch, batch.x))
                .min()
                .item<double>(),
            0);
}

TEST(ApgdLosses, FallBackToTheMarginWhereClassesAreTooFew) {
  const ThreatModel threat = threat_of(Norm::kLinf, 0.1);
  const auto remark = [&](const char* loss, int64_t classes, Goal goal = Goal::kUntargeted) {
    return attack("apgd", {{"loss", loss}})->remark(threat, {.classes = classes}, goal);
  };
  for (const char* loss : {"cross_entropy", "margin"}) EXPECT_EQ(remark(loss, 2), "");
  EXPECT_EQ(remark("dlr", 3), "");
  EXPECT_EQ(remark("dlr_targeted", 4), "");
  EXPECT_EQ(remark("dlr_targeted", 3, Goal::kHypocritical), "");
  EXPECT_THAT(remark("dlr", 2), HasSubstr("dlr needs at least 3 classes, the model has 2: margin"));
  EXPECT_THAT(remark("dlr_targeted", 3), HasSubstr("at least 4 classes, the model has 3: margin"));
  EXPECT_THAT(remark("dlr", 3, Goal::kTargeted), HasSubstr("at least 4 classes"));

  for (const int64_t classes : {2, 3}) {
    const Toy t = toy(curved(kApgdImage, classes));
    const evaluation::CraftBatch batch = batch_of(*t.model, 20);
    const Tensor by_margin = apgd_answer({{"steps", 8}, {"loss", "margin"}}, t, batch, threat);
    const Tensor towards = apgd_answer({{"steps", 8}, {"loss", "dlr_targeted"}}, t, batch, threat);
    const Tensor by_dlr = apgd_answer({{"steps", 8}, {"loss", "dlr"}}, t, batch, threat);
    EXPECT_EQ(torch::equal(by_dlr, by_margin), classes == 2);
    EXPECT_EQ(torch::equal(towards, by_margin), classes == 2);
    EXPECT_GT(loss_of_toy(margin(Goal::kUntargeted), t, batch, towards).mean().item<double>(),
              loss_of_toy(margin(Goal::kUntargeted), t, batch, batch.x).mean().item<double>());
  }
}

TEST(ApgdLosses, OfATrainerOrADefenseAreTaken) {
  const Toy t = toy(curved(kApgdImage, 5));
  const evaluation::CraftBatch batch = batch_of(*t.model, 20);
  const ThreatModel threat = threat_of(Norm::kLinf, 0.1);
  evaluation::CraftRules rules;
  rules.loss = margin(Goal::kUntargeted);
  const Tensor given =
      apgd_answer({{"steps", 6}, {"loss", "dlr_targeted"}}, t, batch, threat, rules);
  EXPECT_TRUE(
      torch::equal(given, apgd_answer({{"steps", 6}, {"loss", "margin"}}, t, batch, threat)));
}

TEST(Apgd, GivesTheSameAnswerHoweverBatchesAreCut) {
  const Toy t = toy(curved(kApgdImage, 5));
  const evaluation::CraftBatch batch = batch_of(*t.model, 9);
  for (const Norm norm : {Norm::kLinf, Norm::kL2, Norm::kL1})
    for (const char* loss : {"cross_entropy", "dlr_targeted"}) {
      const ThreatModel threat = threat_of(norm, norm == Norm::kL1 ? 2 : 0.2);
      const ParamMap params = {{"steps", 12}, {"loss", loss}};
      const auto of = [&](int64_t from, int64_t to) {
        return apgd_answer(params, t, part(batch, from, to), threat);
      };
      EXPECT_TRUE(torch::equal(torch::cat({of(0, 1), of(1, 5), of(5, 9)}), of(0, 9)))
          << loss << int(norm);
    }
}

}  // namespace
}  // namespace gauntlet
