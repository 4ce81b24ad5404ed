// PNI and smoothing.
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>

#include "tests/toys/toy_model.h"

namespace gauntlet {
namespace {
using namespace toys;

Tensor logits(std::vector<float> values, int64_t classes) {
  return torch::tensor(values).view({-1, classes});
}

struct Voter {
  std::shared_ptr<Defense> plugin;
  Votes* operator->() const { return dynamic_cast<Votes*>(plugin.get()); }
  Tensor ballots(const Tensor& z) const { return (*this)->ballot({z, {}, {}}); }
};
Voter smoothing(const ParamMap& params) { return {defense("smoothing", params)}; }

TEST(Smoothing, EveryCopyHasOneVote) {
  Noise noise = noise_of(500);
  const Tensor ballots = smoothing({{"vote", "prediction"}}).ballots(noise.normal({7}));
  EXPECT_TRUE(torch::equal(ballots.sum(1), torch::ones({500})));
  EXPECT_EQ(ballots.sum().item<double>(), 500);
  EXPECT_TRUE(((ballots == 0) | (ballots == 1)).all().item<bool>());
}

TEST(Smoothing, WeightsByRank) {
  const Tensor ballots = smoothing({{"vote", "weighted"}, {"ratio", 0.5}})
                             .ballots(logits({1, 5, 3, -2, /**/ 0, 0, 1, 0}, 4));
  EXPECT_TRUE(torch::equal(
      ballots, logits({0.25, 1, 0.5, 0.125, /* ties by index */ 0.5, 0.25, 1, 0.125}, 4)));
}

TEST(Smoothing, WeightsOfOnlyTheFirstRankAreTheHardVote) {
  Noise noise = noise_of(200);
  Tensor z = noise.normal({6});
  z = torch::cat({z, z.round(), torch::zeros({3, 6})});  // with ties
  EXPECT_TRUE(torch::equal(smoothing({{"vote", "weighted"}, {"ratio", 0.0}}).ballots(z),
                           smoothing({{"vote", "prediction"}}).ballots(z)));
}

TEST(Smoothing, EqualWeightsDecideNothing) {
  Noise noise = noise_of(20);
  const Tensor ballots =
      smoothing({{"vote", "weighted"}, {"ratio", 1.0}}).ballots(noise.normal({6}));
  EXPECT_TRUE(torch::equal(ballots, torch::ones({20, 6})));
}

TEST(Smoothing, SoftVotesAverageProbabilitiesNotLogits) {
  const Tensor z = logits({10, 0, -4, 0, -4, 0}, 2);  // three copies of one input
  EXPECT_EQ(z.sum(0).argmax().item<int64_t>(), 0);
  EXPECT_EQ(smoothing({{"vote", "soft"}}).ballots(z).sum(0).argmax().item<int64_t>(), 1);
}

TEST(Smoothing, NoBallotLeadsByMoreThanItSays) {
  Noise noise = noise_of(300);
  const Tensor z = 20 * noise.normal({5});
  for (const char* vote : {"prediction", "weighted", "soft"}) {
    const Voter voter = smoothing({{"vote", vote}});
    const Tensor ballots = voter.ballots(z);
    const Tensor gap = std::get<0>(ballots.max(1)) - std::get<0>(ballots.min(1));
    EXPECT_LE(gap.max().item<double>(), voter->lead()) << vote;
  }
}

TEST(Smoothing, PerturbsEachRowByNormalNoiseWithoutClamping) {
  const Voter voter = smoothing({{"sigma", 0.5}});
  Noise noise = noise_of(400);
  const Tensor x = torch::full({400, 1, 10, 10}, 0.9), d = voter->perturb(x, noise) - x;
  // 40,000 draws: four standard errors.
  EXPECT_NEAR(d.mean().item<double>(), 0, 4 * 0.5 / 200);
  EXPECT_NEAR(d.std().item<double>(), 0.5, 4 * 0.5 / 200 / std::sqrt(2));
  EXPECT_GT((x + d).max().item<double>(), 1.5);
  EXPECT_FALSE(torch::equal(d[0], d[1]));
}

TEST(Smoothing, WithoutNoiseItIsTheModel) {
  const Voter voter = smoothing({{"sigma", 0.0}});
  Noise noise = noise_of(2);
  const Tensor x = torch::rand({2, 1, 3, 3});
  EXPECT_TRUE(voter->perturb(x, noise).is_same(x));
}

// The share of votes tends to Phi(margin / (sigma |w|)) on a linear model with two classes.
TEST(Smoothing, VoteSharesOfALinearModelFollowTheMargin) {
  const Toy t = toy(linear({1, 4, 4}, 2, 0.5));
  const Voter voter = smoothing({{"sigma", 0.3}, {"vote", "prediction"}});
  const CraftBatch batch = batch_of(*t.model, 5);
  const int64_t copies = 20'000;
  const Tensor rows = torch::arange(5).repeat_interleave(copies);
  Noise noise = noise_of(5).rows(rows);
  const Tensor z = t.model->bare_logits(voter->perturb(batch.x.index_select(0, rows), noise));
  const Tensor share = voter.ballots(z).unflatten(0, {5, copies}).mean(1).select(1, 1);
  const Tensor w = t.network->tensors()[0].tensor, clean = t.model->bare_logits(batch.x);
  const double length = 0.3 * (w[1] - w[0]).norm().item<double>();
  for (int64_t i = 0; i < 5; ++i) {
    const double margin = (clean[i][1] - clean[i][0]).item<double>();
    const double expected = std::erfc(-margin / length / M_SQRT2) / 2;
    EXPECT_NEAR(share[i].item<double>(), expected, 4 * 0.5 / std::sqrt(double(copies)));
  }
}

PerturbsLayers& perturbs(const std::shared_ptr<Defense>& plugin) {
  return dynamic_cast<PerturbsLayers&>(*plugin);
}

struct Declared final : Parameters {
  std::map<std::string, Tensor> tensors;
  bool decays = false;
  void add(const std::string& name, const Tensor& initial, bool weight_decay,
           const std::string&) override {
    tensors[name] = initial;
    decays |= weight_decay;
  }
};
Layer layer_of(std::vector<int64_t> weight_shape) {
  Layer layer;
  layer.weight_shape = std::move(weight_shape);
  return layer;
}

TEST(Pni, StrengthIsSharedAsAsked) {
  const std::vector<std::pair<const char*, std::vector<int64_t>>> cases = {
      {"layer", {1, 1, 1, 1}}, {"channel", {8, 1, 1, 1}}, {"element", {8, 3, 5, 5}}};
  for (const auto& [alpha, shape] : cases) {
    const auto pni = defense("pni", {{"alpha", alpha}, {"initial", 0.5}});
    Declared declared;
    perturbs(pni).declare(layer_of({8, 3, 5, 5}), declared);
    ASSERT_EQ(declared.tensors.size(), 1u);
    EXPECT_TRUE(torch::equal(declared.tensors.at("alpha"), torch::full(shape, 0.5)));
    EXPECT_FALSE(declared.decays);
  }
}

TEST(Pni, WithStrengthZeroOrNoiseOffItIsThePlainLayer) {
  const auto pni = defense("pni");
  Noise noise = noise_of(1);
  const Tensor w = noise.shared_normal({8, 3, 5, 5});
  Layer layer = layer_of({8, 3, 5, 5});
  layer.learned["alpha"] = torch::zeros({1, 1, 1, 1});
  EXPECT_TRUE(torch::equal(perturbs(pni).weight(layer, w, noise), w));
  layer.learned["alpha"] = torch::full({1, 1, 1, 1}, 0.25);
  noise.key.off = true;
  EXPECT_TRUE(torch::equal(perturbs(pni).weight(layer, w, noise), w));
}

TEST(Pni, NoiseHasTheSpreadOfTheWeightsTimesTheStrength) {
  const auto pni = defense("pni");
  Noise noise = noise_of(1);
  const Tensor w = 3 + 0.02 * noise.shared_normal({400, 250});  // 100,000 draws
  Layer layer = layer_of({400, 250});
  layer.learned["alpha"] = torch::full({1, 1}, 0.25);
  const Tensor eta = perturbs(pni).weight(layer, w, noise) - w;
  const double expected = 0.25 * w.std().item<double>();
  EXPECT_NEAR(eta.std().item<double>(), expected, 0.01 * expected);
  EXPECT_NEAR(eta.mean().item<double>(), 0, 4 * expected / std::sqrt(1e5));
}

TEST(Pni, StrengthsGradientIsThatOfTheLossTimesTheDraw) {
  const Noise noise = noise_of(1);
  Noise data = noise_of(1, 2);
  const Tensor w = data.shared_normal({6, 4}), x = data.shared_normal({4});
  for (const char* alpha : {"layer", "channel", "element"}) {
    const auto pni = defense("pni", {{"alpha", alpha}});
    Layer layer = layer_of({6, 4});
    Declared declared;
    perturbs(pni).declare(layer, declared);
    const auto loss = [&](const Tensor& a) {
      layer.learned["alpha"] = a;
      Noise same = noise;
      return perturbs(pni).weight(layer, w, same).mv(x).square().sum();
    };
    const Tensor a = declared.tensors.at("alpha").clone().requires_grad_(true);
    const Tensor gradient = torch::autograd::grad({loss(a)}, {a})[0];
    const at::NoGradGuard no_graph;
    for (int64_t i = 0; i < a.numel(); ++i) {
      Tensor step = torch::zeros_like(a);
      step.view({-1})[i] = 0.125;  // the loss is quadratic: no error but rounding
      const double slope = (loss(a + step) - loss(a - step)).item<double>() / 0.25;
      EXPECT_NEAR(gradient.view({-1})[i].item<double>(), slope, 1e-4 * (1 + std::fabs(slope)));
    }
  }
}

TEST(Pni, WeightsSpreadCarriesNoGradient) {
  const auto pni = defense("pni");
  Noise noise = noise_of(1);
  const Tensor w = noise.shared_normal({6, 4}).requires_grad_(true);
  Layer layer = layer_of({6, 4});
  layer.learned["alpha"] = torch::full({1, 1}, 0.25);
  const Tensor sum = perturbs(pni).weight(layer, w, noise).sum();
  EXPECT_TRUE(torch::equal(torch::autograd::grad({sum}, {w})[0], torch::ones({6, 4})));
}

TEST(Pni, HostFindsSharedNoiseThatCouplesNoRows) {
  const Toy t = toy(linear({1, 4, 4}, 3), {defense("pni")});
  EXPECT_TRUE(t.model->stochastic());
  EXPECT_TRUE(t.model->shared_noise());
  EXPECT_FALSE(t.model->couples_rows());
}

}  // namespace
}  // namespace gauntlet
