// Alternating PGD against pgd, whose special case is one loss.
#include <gmock/gmock.h>

#include <cmath>

#include "plugins/attacks/gradient/recording_target.h"

namespace gauntlet {
namespace {
using namespace toys;
using ::testing::HasSubstr;

const std::vector<int64_t> kAlternatingImage = {1, 6, 8};

TEST(AlternatingPgd, OfOneLossIsPgdFromTheInput) {
  const Toy t = toy(curved(kAlternatingImage, 5));
  const evaluation::CraftBatch batch = batch_of(*t.model, 20);
  for (const Norm norm : {Norm::kLinf, Norm::kL2, Norm::kL1})
    for (const char* loss : {"cross_entropy", "margin", "dlr"}) {
      const ThreatModel threat = threat_of(norm, norm == Norm::kL1 ? 2 : 0.2);
      Asked asked;
      const Tensor x = listened("alternating_pgd", {{"steps", 9}, {"losses", ParamList{loss}}}, t,
                                batch, threat, asked)
                           .x;
      const ParamMap pgd = {{"steps", 9},
                            {"loss", loss},
                            {"step_size", 0.25},
                            {"start", "input"},
                            {"step_unit", "epsilon"}};
      EXPECT_TRUE(torch::equal(x, listened("pgd", pgd, t, batch, threat, asked).x)) << loss;
    }
}

// Which loss a query climbed is told by what it says of some logits.
std::string name_of_loss(const Loss& loss, Goal goal = Goal::kUntargeted) {
  const Outputs out{torch::tensor({{3.f, 1.f, 0.5f, -2.f}}), {}, {}};
  const Rows rows{torch::tensor({int64_t{0}}), torch::tensor({int64_t{1}}),
                  torch::tensor({int64_t{2}})};
  const auto same = [&](const Loss& other) {
    return torch::equal(loss(out, rows), other(out, rows));
  };
  return same(cross_entropy(goal)) ? "cross_entropy" : same(margin(goal)) ? "margin" : "dlr";
}

TEST(AlternatingPgd, ChangesTheLossAtEqualShares) {
  const Toy t = toy(curved(kAlternatingImage, 5));
  const evaluation::CraftBatch batch = batch_of(*t.model, 5);
  const ThreatModel threat = threat_of(Norm::kLinf, 0.1);
  const auto used = [&](int steps, const ParamList& losses) {
    Asked asked;
    listened("alternating_pgd", {{"steps", steps}, {"losses", losses}}, t, batch, threat, asked);
    std::vector<std::string> out;
    for (const Loss& loss : asked.climbed) out.push_back(name_of_loss(loss));
    return out;
  };
  using Names = std::vector<std::string>;
  EXPECT_EQ(used(6, {"cross_entropy", "margin", "dlr"}),
            (Names{"cross_entropy", "cross_entropy", "margin", "margin", "dlr", "dlr"}));
  EXPECT_EQ(used(5, {"dlr", "margin"}), (Names{"dlr", "dlr", "dlr", "margin", "margin"}));
  EXPECT_EQ(used(1, {"dlr", "margin"}), (Names{"dlr"}));
}

// One step among steps without a gradient goes as far as its length, and not beyond the ball.
TEST(AlternatingPgd, StepsFollowTheSchedule) {
  const Toy t = toy(curved(kAlternatingImage, 5));
  const evaluation::CraftBatch batch = middling(t, 3);
  const double epsilon = 0.1, pi = std::acos(-1.0);
  const ThreatModel threat = threat_of(Norm::kLinf, epsilon);
  const auto length = [&](const char* schedule, size_t step) {
    Asked asked;
    asked.fake = [&](const Tensor& x, size_t query) {
      return query == step ? torch::ones_like(x) : torch::zeros_like(x);
    };
    const Tensor x = listened("alternating_pgd",
                              {{"steps", 100},
                               {"schedule", schedule},
                               {"step_size", 0.4},
                               {"losses", ParamList{"cross_entropy", "margin"}}},
                              t, batch, threat, asked)
                         .x;
    return threat.distance(batch.x, x).max().item<double>() / epsilon;
  };
  struct Expected {
    const char* schedule;
    size_t step;
    double length;
  };
  for (const Expected& e : std::vector<Expected>{{"constant", 0, 0.4},
                                                 {"constant", 99, 0.4},
                                                 {"gama", 59, 0.4},
                                                 {"gama", 60, 0.04},
                                                 {"gama", 84, 0.04},
                                                 {"gama", 85, 0.004},
                                                 {"cosine", 0, 1},
                                                 {"cosine", 40, 1 + std::cos(0.8 * pi)},
                                                 {"cosine", 50, 1},
                                                 {"cosine", 90, 1 + std::cos(0.8 * pi)},
                                                 {"apgd", 21, 1},
                                                 {"apgd", 40, 1},
                                                 {"apgd", 41, 0.5},
                                                 {"apgd", 56, 0.5},
                                                 {"apgd", 57, 0.25},
                                                 {"apgd", 99, 2.0 / 256},
                                                 {"a3", 0, 1},
                                                 {"a3", 50, 0.5},
                                                 {"a3", 80, 0.5 * (1 + std::cos(0.8 * pi))}})
    EXPECT_NEAR(length(e.schedule, e.step), e.length, 1e-5) << e.schedule << " " << e.step;
}

TEST(AlternatingPgd, StartsAtTheInputAndThenInCorners) {
  const Toy t = toy(curved(kAlternatingImage, 5));
  const evaluation::CraftBatch batch = middling(t, 10);
  const ThreatModel threat = threat_of(Norm::kLinf, 0.001);
  evaluation::CraftRules rules;
  rules.restarts = 2;
  Asked asked;
  listened("alternating_pgd", {{"steps", 3}}, t, batch, threat, asked, rules);
  ASSERT_EQ(asked.gradients.size(), 6u);
  EXPECT_TRUE(torch::equal(asked.gradients[0], batch.x));
  const Tensor corner = (asked.gradients[3] - batch.x).abs();
  EXPECT_TRUE(torch::allclose(corner, torch::full_like(corner, 0.001), 0, 1e-6));
}

TEST(AlternatingPgd, FallsBackToTheMarginWhereClassesAreTooFew) {
  const ThreatModel threat = threat_of(Norm::kLinf, 0.1);
  const auto plugin = attack("alternating_pgd");
  EXPECT_THAT(plugin->remark(threat, {.classes = 2}, Goal::kUntargeted),
              HasSubstr("dlr needs at least 3 classes, the model has 2: margin"));
  EXPECT_THAT(plugin->remark(threat, {.classes = 3}, Goal::kTargeted), HasSubstr("at least 4"));
  EXPECT_EQ(plugin->remark(threat, {.classes = 3}, Goal::kUntargeted), "");
  const auto without =
      attack("alternating_pgd", {{"losses", ParamList{"cross_entropy", "margin"}}});
  EXPECT_EQ(without->remark(threat, {.classes = 2}, Goal::kUntargeted), "");

  const Toy t = toy(curved(kAlternatingImage, 2));
  const evaluation::CraftBatch batch = batch_of(*t.model, 10);
  const auto answer = [&](const ParamList& losses) {
    Asked asked;
    return listened("alternating_pgd", {{"steps", 6}, {"losses", losses}}, t, batch, threat, asked)
        .x;
  };
  EXPECT_TRUE(torch::equal(answer({"cross_entropy", "dlr"}), answer({"cross_entropy", "margin"})));
}

TEST(AlternatingPgd, NeedsALoss) {
  const ThreatModel threat = threat_of(Norm::kLinf, 0.1);
  EXPECT_THAT(attack("alternating_pgd", {{"losses", ParamList{}}})
                  ->unsupported(threat, {.classes = 5}, Goal::kUntargeted),
              HasSubstr("losses names none"));
  EXPECT_THROW(attack("alternating_pgd", {{"losses", ParamList{"hinge"}}}), ParamError);
}

TEST(AlternatingPgd, LosesLittleToTheBetterOfItsLosses) {
  const Toy t = toy(curved(kAlternatingImage, 5, /*seed=*/3));
  const evaluation::CraftBatch batch = batch_of(*t.model, 200);
  const ThreatModel threat = threat_of(Norm::kLinf, 0.05);
  const auto robust = [&](const ParamList& losses) {
    ToyEnvironment environment;
    const auto plugin = attack("alternating_pgd", {{"steps", 40}, {"losses", losses}});
    const evaluation::Crafted out = craft(*plugin, *t.model, batch, threat, {}, environment);
    return out.confirmed.logical_not().sum().item<int64_t>();
  };
  const int64_t both = robust({"cross_entropy", "margin"});
  EXPECT_LE(both, std::min(robust({"cross_entropy"}), robust({"margin"})) + 1);
  EXPECT_GT(both, 10);
  EXPECT_LT(both, 190);
}

}  // namespace
}  // namespace gauntlet
