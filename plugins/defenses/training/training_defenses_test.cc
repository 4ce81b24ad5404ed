// Adversarial training and TRADES on a session that records what they ask of it.
#include <gtest/gtest.h>

#include "evaluation/craft.h"
#include "plugins/defenses/training/recording_session.h"

namespace gauntlet {
namespace {
using namespace toys;

using Session = RecordingSession;

// By hand: -log of the probabilities of the true classes.
const double kClean = (-std::log(0.8) - std::log(0.9)) / 2;
const double kFound = (-std::log(0.25) - std::log(0.5)) / 2;
double kl(double p, double q) {
  return p * std::log(p / q) + (1 - p) * std::log((1 - p) / (1 - q));
}
constexpr double kLossRounding = 1e-6;

double loss_of(const std::shared_ptr<Defense>& plugin, Session& session) {
  return trainer(plugin).loss(session, batch()).item<double>();
}

TEST(AdversarialTraining, TrainsOnWhatTheAttackFinds) {
  Session s = session();
  EXPECT_NEAR(loss_of(defense("adversarial_training"), s), kFound, kLossRounding);
  EXPECT_EQ(s.forwards.size(), 1u);
  EXPECT_EQ(s.attacks.at(0).plugin, "pgd");
  EXPECT_FALSE(s.inner.at(0).loss);
}

TEST(AdversarialTraining, WeightZeroIsStandardTraining) {
  Session s = session();
  EXPECT_NEAR(loss_of(defense("adversarial_training", {{"weight", 0}}), s), kClean, kLossRounding);
  EXPECT_EQ(s.forwards.size(), 1u);
  EXPECT_TRUE(s.attacks.empty());
}

// The inner attack itself, where it may not move.
TEST(AdversarialTraining, WithoutStepsOrEpsilonItIsStandardTraining) {
  Batch inside = batch();
  inside.x = inside.x / 3;  // in [0, 1]
  const std::vector<std::pair<ParamMap, double>> cases = {{{{"steps", 0}, {"start", "input"}}, 0.1},
                                                          {{{"steps", 3}}, 0.0}};
  for (const auto& [params, epsilon] : cases) {
    Session s = session();
    s.attacker = [&, epsilon = epsilon](const Use& use, const Batch& batch, const Inner&) {
      const Toy t = toy(std::make_shared<ToyNetwork>(std::vector<int64_t>{1, 1, 2},
                                                     s.w.detach().clone(), torch::zeros({2})));
      ToyEnvironment environment;
      evaluation::CraftRules rules;
      rules.track = false;
      return craft(*attack(use.plugin, use.with), *t.model, {batch.x, batch.y, batch.sample},
                   threat_of(Norm::kLinf, epsilon), rules, environment)
          .x;
    };
    ParamMap use = params;
    use["use"] = "pgd";
    const Tensor loss = trainer(defense("adversarial_training", {{"attack", use}})).loss(s, inside);
    const Tensor standard = torch::cross_entropy_loss(s.logits(inside.x), inside.y);
    EXPECT_EQ(s.attacks.size(), 1u);
    EXPECT_TRUE(torch::equal(loss, standard));
    EXPECT_TRUE(torch::equal(torch::autograd::grad({loss}, {s.w})[0],
                             torch::autograd::grad({standard}, {s.w})[0]));
  }
}

TEST(AdversarialTraining, MixesWithOneForwardOfEachKindCleanFirst) {
  Session s = session();
  EXPECT_NEAR(loss_of(defense("adversarial_training", {{"weight", 0.25}}), s),
              0.75 * kClean + 0.25 * kFound, kLossRounding);
  ASSERT_EQ(s.forwards.size(), 2u);
  EXPECT_TRUE(torch::equal(s.forwards[0], batch().x));
  EXPECT_TRUE(torch::equal(s.forwards[1], s.adversarial));
}

TEST(AdversarialTraining, HandsOnTheInnerAttack) {
  Session s = session();
  loss_of(defense("adversarial_training", {{"attack", ParamMap{{"use", "fgsm"}, {"a", 1}}}}), s);
  EXPECT_EQ(s.attacks.at(0).plugin, "fgsm");
  EXPECT_EQ(s.attacks.at(0).with, (ParamMap{{"a", 1}}));
}

TEST(AdversarialTraining, CleanEpochsPutTheAdversarialLossOff) {
  Session s = session();
  const auto plugin = defense("adversarial_training", {{"weight", 0.25}, {"clean_epochs", 2}});
  s.at_epoch = 1.99;
  EXPECT_NEAR(loss_of(plugin, s), kClean, kLossRounding);
  EXPECT_TRUE(s.attacks.empty());
  s.at_epoch = 2;
  EXPECT_NEAR(loss_of(plugin, s), 0.75 * kClean + 0.25 * kFound, kLossRounding);
}

TEST(AdversarialTraining, LabelPredictionLeadsTheAttackAwayFromTheNetworksOwnAnswer) {
  for (const bool prediction : {false, true}) {
    Session s = session();
    s.w = torch::eye(2).flip(0).requires_grad_(true);  // answers 1, 0: both wrong
    const double loss = loss_of(
        defense("adversarial_training", {{"label", prediction ? "prediction" : "truth"}}), s);
    const Tensor expected = prediction ? 1 - batch().y : batch().y;
    EXPECT_TRUE(torch::equal(s.attacked.at(0).y, expected));
    EXPECT_TRUE(torch::equal(s.attacked.at(0).x, batch().x));
    EXPECT_EQ(s.predictions, prediction ? 1 : 0);
    EXPECT_NEAR(loss, (-std::log(0.75) - std::log(0.5)) / 2, kLossRounding);  // of the true classes
  }
}

TEST(Trades, LossOfATwoSampleBatchByHand) {
  Session s = session();
  EXPECT_NEAR(loss_of(defense("trades", {{"beta", 6}}), s),
              kClean + 6 * (kl(0.8, 0.25) + kl(0.1, 0.5)) / 2, 10 * kLossRounding);
  EXPECT_EQ(s.forwards.size(), 2u);
}

TEST(Trades, BetaZeroIsStandardTraining) {
  Session s = session();
  const Tensor loss = dynamic_cast<Trains&>(*defense("trades", {{"beta", 0}})).loss(s, batch());
  const Tensor standard = torch::cross_entropy_loss(s.logits(batch().x), batch().y);
  EXPECT_TRUE(torch::equal(loss, standard));
  EXPECT_TRUE(torch::equal(torch::autograd::grad({loss}, {s.w})[0],
                           torch::autograd::grad({standard}, {s.w})[0]));
  EXPECT_TRUE(s.attacks.empty());
}

TEST(Trades, SharedForwardIsTheSameLossWithOneForwardLess) {
  Session shared = session(), apart = session();
  EXPECT_EQ(loss_of(defense("trades"), shared),
            loss_of(defense("trades", {{"share_forward", false}}), apart));
  EXPECT_EQ(shared.forwards.size(), 2u);
  EXPECT_EQ(apart.forwards.size(), 3u);
}

TEST(Trades, GradientFlowsThroughBothSidesOfTheDivergence) {
  Session s = session();
  const auto plugin = defense("trades", {{"beta", 3}});
  const Tensor loss = dynamic_cast<Trains&>(*plugin).loss(s, batch());
  const Tensor gradient = torch::autograd::grad({loss}, {s.w})[0];
  const at::NoGradGuard no_graph;
  const double h = 1e-2;  // error of the difference: h^2 and rounding / h, both about 1e-4
  for (int64_t i = 0; i < 4; ++i) {
    const auto moved = [&](double by) {
      Session other = session();
      other.w.detach().view({-1})[i] += by;
      return loss_of(plugin, other);
    };
    EXPECT_NEAR(gradient.view({-1})[i].item<double>(), (moved(h) - moved(-h)) / (2 * h), 2e-3);
  }
}

TEST(Trades, InnerAttackMaximisesTheDivergenceFromTheCleanAnswer) {
  Session s = session();
  loss_of(defense("trades"), s);
  ASSERT_TRUE(s.inner.at(0).loss);
  EXPECT_EQ(s.attacks.at(0).with.at("start"), ParamValue("gaussian"));
  // Rows in another order: the loss reads what it captured per sample.
  const Tensor order = torch::tensor({1, 0}, torch::kLong);
  const Rows rows{order, batch().y.index_select(0, order), {}};
  const Tensor value = (*s.inner.at(0).loss)(
      {s.logits(s.adversarial).detach().index_select(0, order), {}, {}}, rows);
  EXPECT_NEAR(value[0].item<double>(), kl(0.1, 0.5), kLossRounding);
  EXPECT_NEAR(value[1].item<double>(), kl(0.8, 0.25), kLossRounding);
}

TEST(Trades, CleanAnswerOfANetworkWithNoiseIsDrawnAnewInEachQuery) {
  for (const bool redraw : {true, false}) {
    Session s = session();
    s.noisy = true;
    loss_of(defense("trades", {{"redraw", redraw}}), s);
    const Rows rows{torch::arange(2), batch().y, {}};
    for (int64_t query = 0; query < 3; ++query) {
      const Tensor logits = s.logits(s.adversarial).detach();
      const Tensor value = (*s.inner.at(0).loss)({logits, {}, {}}, rows);
      const Tensor p = s.predicted(batch().x, redraw ? query : 0).softmax(1);
      EXPECT_TRUE(torch::equal(value, kl_divergence(p, logits))) << query;
    }
    EXPECT_EQ(s.predictions, redraw ? 3 : 1);
  }
}

TEST(Trades, CleanAnswerOfANetworkWithoutNoiseIsComputedOnce) {
  Session s = session();
  loss_of(defense("trades"), s);
  const Rows rows{torch::arange(2), batch().y, {}};
  for (int query = 0; query < 3; ++query)
    (*s.inner.at(0).loss)({s.logits(batch().x), {}, {}}, rows);
  EXPECT_EQ(s.predictions, 1);
}

TEST(Trades, DivergenceHasNoGradientAtTheInputItself) {
  Session s = session();
  loss_of(defense("trades"), s);
  const Tensor x = batch().x.clone().requires_grad_(true);
  const Rows rows{torch::arange(2), batch().y, {}};
  const Tensor value = (*s.inner.at(0).loss)({s.logits(x), {}, {}}, rows).sum();
  const Tensor gradient = torch::autograd::grad({value}, {x})[0];
  EXPECT_LT(gradient.abs().max().item<double>(), 2e-7);  // rounding of two softmaxes
}

}  // namespace
}  // namespace gauntlet
