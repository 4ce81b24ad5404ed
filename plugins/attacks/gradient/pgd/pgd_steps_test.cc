// How far pgd's steps go, and what it says of them.
#include <gmock/gmock.h>

#include "evaluation/craft.h"
#include "tests/toys/toy_model.h"

namespace gauntlet {
namespace {
using namespace toys;
using ::testing::HasSubstr;

const std::vector<int64_t> kStepImage = {1, 6, 8};

double robust(const std::string& name, const ParamMap& params, const Toy& t,
              const evaluation::CraftBatch& batch, const ThreatModel& threat) {
  ToyEnvironment environment;
  const Tensor x = craft(*attack(name, params), *t.model, batch, threat, {}, environment).x;
  return t.model->bare_logits(x).argmax(1).eq(batch.y).to(torch::kDouble).mean().item<double>();
}

std::string remark(const ParamMap& params, double epsilon, Norm norm = Norm::kLinf) {
  return attack("pgd", params)->remark(threat_of(norm, epsilon), {}, Goal::kUntargeted);
}

TEST(PgdSteps, CrossTheBallWhateverItsSizeWhereNothingIsSaid) {
  const Toy t = toy(linear(kStepImage, 2, 0.3));
  const evaluation::CraftBatch batch = batch_of(*t.model, 40);
  for (const Norm norm : {Norm::kLinf, Norm::kL2, Norm::kL1})
    for (const double epsilon : {0.01, 0.3, 2.0})
      for (const int steps : {1, 3, 10, 40}) {
        ToyEnvironment environment;
        const ParamMap params = {{"steps", steps}, {"loss", "margin"}};
        evaluation::CraftRules last;
        last.track = false;
        const ThreatModel threat = threat_of(norm, epsilon);
        const Tensor x =
            craft(*attack("pgd", params), *t.model, batch, threat, last, environment).x;
        const Tensor best =
            craft(*attack("fgsm"), *t.model, batch, threat, last, environment).x;  // it is linear
        const auto gap = [&](const Tensor& at) {
          const Tensor z = t.model->bare_logits(at);
          return (z.select(1, 0) - z.select(1, 1)).abs() * (z.argmax(1) == batch.y);
        };
        if (norm == Norm::kLinf) {
          EXPECT_LT((gap(x) - gap(best)).max().item<double>(), 1e-3) << epsilon << " " << steps;
        }
        EXPECT_EQ(remark(params, epsilon, norm), "");
      }
}

TEST(PgdSteps, GivenLengthsHoldInTheirUnits) {
  const Toy t = toy(linear(kStepImage, 2, 0.3));
  const evaluation::CraftBatch batch = batch_of(*t.model, 10);
  const auto moved = [&](ParamMap params) {
    params["start"] = "input", params["steps"] = 2;
    ToyEnvironment environment;
    evaluation::CraftRules last;
    last.track = false;
    const ThreatModel threat = threat_of(Norm::kLinf, 0.2);
    const Tensor x = craft(*attack("pgd", params), *t.model, batch, threat, last, environment).x;
    return threat.distance(batch.x, x).max().item<double>();
  };
  EXPECT_NEAR(moved({{"step_size", 0.03}}), 0.06, 1e-6);
  EXPECT_NEAR(moved({{"step_size", 0.25}, {"step_unit", "epsilon"}}), 0.1, 1e-6);
  EXPECT_NEAR(moved({}), 0.2, 1e-6);
  EXPECT_NEAR(moved({{"step_unit", "epsilon"}}), 0.2, 1e-6);
}

TEST(PgdSteps, AShortRunLosesToASingleStepAndSaysSo) {
  const Toy t = toy(curved(kStepImage, 4));
  const evaluation::CraftBatch batch = batch_of(*t.model, 100);
  const ThreatModel threat = threat_of(Norm::kLinf, 0.3);
  const ParamMap tiny = {{"steps", 10}, {"step_size", 2.0 / 255}, {"start", "input"}};
  EXPECT_GT(robust("pgd", tiny, t, batch, threat), robust("fgsm", {}, t, batch, threat));
  EXPECT_LE(robust("pgd", {}, t, batch, threat), robust("fgsm", {}, t, batch, threat));
  EXPECT_THAT(remark(tiny, 0.3), HasSubstr("10 steps of 2/255 reach 0.078 of epsilon = 0.3"));
}

TEST(PgdSteps, RemarksAreOnStepsThatFallShortOrJump) {
  EXPECT_EQ(remark({{"steps", 20}, {"step_size", 2.0 / 255}}, 8.0 / 255), "");
  EXPECT_EQ(remark({{"steps", 4}, {"step_size", 2.0 / 255}}, 8.0 / 255), "") << "it just reaches";
  EXPECT_THAT(remark({{"steps", 0}}, 0.1), HasSubstr("never asked"));
  EXPECT_EQ(remark({{"step_size", 0.1}}, 0), "");
  EXPECT_THAT(remark({{"steps", 10}, {"step_size", 2.0}}, 8.0 / 255),
              HasSubstr("10 steps of 2: each is longer than the whole ball, epsilon = 8/255"));
  EXPECT_THAT(remark({{"steps", 10}, {"step_size", 0.05}, {"step_unit", "epsilon"}}, 0.2),
              HasSubstr("10 steps of 0.01 reach 0.1 of epsilon = 0.2"));
  EXPECT_THAT(remark({{"steps", 4}, {"step_size", 0.05}, {"step_decay", 0.0}}, 0.2),
              HasSubstr("reach 0.1 of"));
  EXPECT_THAT(remark({{"steps", 1}, {"step_size", 0.05}}, 0.2),
              HasSubstr("1 step of 0.05 reaches 0.05 of epsilon = 0.2"));
}

}  // namespace
}  // namespace gauntlet
