// Pgd under threats whose epsilon is no length.
#include <gtest/gtest.h>

#include "evaluation/craft.h"
#include "tests/toys/toy_model.h"

namespace gauntlet {
namespace {
using namespace toys;

// A linear model of two classes on gray images: every pixel has half of the box to go.
class PgdThreats : public ::testing::Test {
 protected:
  PgdThreats() : toy_(toy(linear({1, 4, 5}, 2, 0.3))), batch_(batch_of(*toy_.model, 3)) {
    batch_.x.fill_(0.5);
    batch_.y = toy_.model->bare_logits(batch_.x).argmax(1);
    const Tensor w = toy_.network->tensors()[0].tensor;
    const int64_t label = batch_.y[0].item<int64_t>();
    slope_ = (w[1 - label] - w[label]).view({4, 5});
  }

  // How far the margin has risen in the first image.
  double gained(const ParamMap& params, Norm norm, double epsilon) {
    ToyEnvironment environment;
    evaluation::CraftRules last;
    last.track = false;
    const ThreatModel threat = threat_of(norm, epsilon);
    const Tensor x =
        craft(*attack("pgd", params), *toy_.model, batch_, threat, last, environment).x;
    EXPECT_TRUE(threat.contains(batch_.x, x).all().item<bool>());
    return ((x - batch_.x)[0][0] * slope_).sum().item<double>();
  }

  const Toy toy_;
  evaluation::CraftBatch batch_;
  Tensor slope_;  // [H, W], of the margin
};

const ParamMap kFiveSteps = {{"steps", 5}, {"loss", "margin"}};
ParamMap from_the_image(ParamMap params) {
  params["start"] = "input";
  return params;
}

TEST_F(PgdThreats, InL0FindsThePixelsThatMatterMostFromAnyStart) {
  const Tensor best = std::get<0>(slope_.flatten().abs().topk(3));
  for (const ParamMap& params : {kFiveSteps, from_the_image(kFiveSteps)})
    EXPECT_NEAR(gained(params, Norm::kL0, 3), 0.5 * best.sum().item<double>(), 1e-5);
}

TEST_F(PgdThreats, InAPatchTakesTheBestSquareFromTheImage) {
  double best = 0;
  for (int64_t top = 0; top + 2 <= 4; ++top)
    for (int64_t left = 0; left + 2 <= 5; ++left) {
      const Tensor square = slope_.slice(0, top, top + 2).slice(1, left, left + 2);
      best = std::max(best, square.abs().sum().item<double>());
    }
  EXPECT_NEAR(gained(from_the_image(kFiveSteps), Norm::kPatch, 2), 0.5 * best, 1e-5);
  const double anywhere = gained(kFiveSteps, Norm::kPatch, 2);
  EXPECT_LE(anywhere, 0.5 * best + 1e-5);
  EXPECT_GT(anywhere, 0);
}

TEST_F(PgdThreats, UnboundedGoesToTheCornerOfTheBox) {
  EXPECT_NEAR(gained(kFiveSteps, Norm::kUnbounded, 1), 0.5 * slope_.abs().sum().item<double>(),
              1e-5);
}

TEST_F(PgdThreats, OfTransformationsItHasNoForm) {
  for (const Norm norm : {Norm::kRotation, Norm::kTranslation, Norm::kFlow})
    EXPECT_EQ(attack("pgd")->no_form_for(threat_of(norm, 1), {.classes = 4}, Goal::kUntargeted),
              "it has no form for the threat " + name_of(norm) +
                  ", only for linf, l2, l1, l0, patch, unbounded");
  EXPECT_NE(attack("fgsm")->no_form_for(threat_of(Norm::kL0, 1), {.classes = 4}, Goal::kUntargeted),
            "");
  EXPECT_EQ(attack("random_noise")
                ->no_form_for(threat_of(Norm::kFlow, 1), {.classes = 4}, Goal::kUntargeted),
            "");
}

}  // namespace
}  // namespace gauntlet
