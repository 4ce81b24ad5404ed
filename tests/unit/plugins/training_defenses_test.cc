// Adversarial training and TRADES on a session that records what they ask of it.
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>

#include "tests/toys/toy_model.h"

namespace gauntlet {
namespace {
using namespace toys;

struct Session final : Training {
  Tensor w;            // [K, d], trained
  Tensor adversarial;  // what the inner attack finds
  std::vector<Tensor> forwards = {};
  std::vector<Use> attacks = {};
  std::optional<Loss> inner_loss = {};

  Session(Tensor weights, Tensor found)
      : w(weights.requires_grad_(true)), adversarial(std::move(found)) {}

  Tensor logits(const Tensor& x) const { return x.flatten(1).mm(w.t()); }
  Outputs forward(const Tensor& x) override {
    forwards.push_back(x);
    return {logits(x), {}, {}};
  }
  Outputs predict(const Tensor& x) override { return {logits(x).detach(), {}, {}}; }
  Tensor attack(const Use& use, const Batch&, const Inner& inner) override {
    attacks.push_back(use);
    inner_loss = inner.loss;
    return adversarial;
  }
  std::vector<Tensor> minimise(const Tensor&, const std::vector<Tensor>&,
                               const std::string&) override {
    return {};
  }
  Parameters& parameters() override { throw std::logic_error("not asked for"); }
  Tensor& state(const std::string&) override { throw std::logic_error("not asked for"); }
  const ThreatModel& threat() const override { throw std::logic_error("not asked for"); }
  Noise noise() override { return noise_of(2); }
  double epoch() const override { return 0; }
};

// Two samples of two pixels, two classes; logits are the pixels.
Session session() {
  return {torch::eye(2), torch::tensor({0.f, std::log(3.f), 0.f, 0.f}).view({2, 1, 1, 2})};
}
Batch batch() {
  return {torch::tensor({std::log(4.f), 0.f, 0.f, std::log(9.f)}).view({2, 1, 1, 2}),
          torch::tensor({0, 1}, torch::kLong), torch::arange(2)};
}
// By hand: -log of the probabilities of the true classes.
const double kClean = (-std::log(0.8) - std::log(0.9)) / 2;
const double kFound = (-std::log(0.25) - std::log(0.5)) / 2;
double kl(double p, double q) {
  return p * std::log(p / q) + (1 - p) * std::log((1 - p) / (1 - q));
}
constexpr double kRounding = 1e-6;

double loss_of(const std::shared_ptr<Defense>& plugin, Session& session) {
  return dynamic_cast<Trains&>(*plugin).loss(session, batch()).item<double>();
}

TEST(AdversarialTraining, TrainsOnWhatTheAttackFinds) {
  Session s = session();
  EXPECT_NEAR(loss_of(defense("adversarial_training"), s), kFound, kRounding);
  EXPECT_EQ(s.forwards.size(), 1u);
  EXPECT_EQ(s.attacks.at(0).plugin, "pgd");
  EXPECT_FALSE(s.inner_loss);
}

TEST(AdversarialTraining, WeightZeroIsStandardTraining) {
  Session s = session();
  EXPECT_NEAR(loss_of(defense("adversarial_training", {{"weight", 0}}), s), kClean, kRounding);
  EXPECT_EQ(s.forwards.size(), 1u);
  EXPECT_TRUE(s.attacks.empty());
}

TEST(AdversarialTraining, MixesWithOneForwardOfEachKindCleanFirst) {
  Session s = session();
  EXPECT_NEAR(loss_of(defense("adversarial_training", {{"weight", 0.25}}), s),
              0.75 * kClean + 0.25 * kFound, kRounding);
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

TEST(Trades, LossOfATwoSampleBatchByHand) {
  Session s = session();
  EXPECT_NEAR(loss_of(defense("trades", {{"beta", 6}}), s),
              kClean + 6 * (kl(0.8, 0.25) + kl(0.1, 0.5)) / 2, 10 * kRounding);
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
  ASSERT_TRUE(s.inner_loss);
  EXPECT_EQ(s.attacks.at(0).with.at("start"), ParamValue("gaussian"));
  // Rows in another order: the loss reads what it captured per sample.
  const Tensor order = torch::tensor({1, 0}, torch::kLong);
  const Rows rows{order, batch().y.index_select(0, order), {}};
  const Tensor value =
      (*s.inner_loss)({s.logits(s.adversarial).detach().index_select(0, order), {}, {}}, rows);
  EXPECT_NEAR(value[0].item<double>(), kl(0.1, 0.5), kRounding);
  EXPECT_NEAR(value[1].item<double>(), kl(0.8, 0.25), kRounding);
}

TEST(Trades, DivergenceHasNoGradientAtTheInputItself) {
  Session s = session();
  loss_of(defense("trades"), s);
  const Tensor x = batch().x.clone().requires_grad_(true);
  const Rows rows{torch::arange(2), batch().y, {}};
  const Tensor value = (*s.inner_loss)({s.logits(x), {}, {}}, rows).sum();
  const Tensor gradient = torch::autograd::grad({value}, {x})[0];
  EXPECT_LT(gradient.abs().max().item<double>(), 2e-7);  // rounding of two softmaxes
}

}  // namespace
}  // namespace gauntlet
