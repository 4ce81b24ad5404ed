// Smoothing.
#include <gtest/gtest.h>

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

TEST(Smoothing, AConstantOnTheWeightsOfAllRanksChangesNoAnswer) {
  Noise noise = noise_of(40 * 9);
  const Tensor z = noise.normal({4});  // 40 inputs, 9 copies each
  const auto answers = [&](double more) {
    const ParamList weights = {0.5 + more, 0.25 + more, 0.125 + more, more};
    return smoothing({{"vote", "weighted"}, {"weights", weights}})
        .ballots(z)
        .unflatten(0, {40, 9})
        .sum(1)
        .argmax(1);
  };
  EXPECT_GT(std::get<0>(torch::_unique(answers(0))).size(0), 1);
  EXPECT_TRUE(torch::equal(answers(0), answers(2)));
}

TEST(Smoothing, OneSoftVoteWithoutNoiseIsTheModelItself) {
  const ParamMap params = {{"vote", "soft"}, {"sigma", 0.0}, {"mc_samples", 1}};
  const Toy t = toy(curved({1, 4, 4}, 5), {}, {{"smoothing", defense("smoothing", params)}});
  EXPECT_FALSE(t.model->stochastic());
  const evaluation::CraftBatch batch = batch_of(*t.model, 30);
  const Tensor z = t.model->bare_logits(batch.x);
  const auto decision = t.model->decide(batch.x, noise_of(30));
  EXPECT_TRUE(torch::equal(decision.answer, z.argmax(1)));
  EXPECT_TRUE(torch::allclose(decision.confidence, z.softmax(1), 0, 1e-6));
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
  const evaluation::CraftBatch batch = batch_of(*t.model, 5);
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

// One unit of normalised space is the normalisation's standard deviation in pixels.
TEST(Smoothing, NoiseInNormalisedSpaceFollowsTheNetworksNormalisation) {
  const auto plugin = defense("smoothing", {{"sigma", 0.5}, {"space", "normalised"}});
  const Tensor std = torch::tensor({0.25, 0.5, 2.0}, torch::kFloat).view({1, 3, 1, 1});
  dynamic_cast<KnowsNormalisation&>(*plugin).normalisation(torch::zeros({1, 3, 1, 1}), std);
  Noise noise = noise_of(5), same = noise;
  const Tensor x = torch::full({5, 3, 4, 4}, 0.5);
  const Tensor unit = noise.normal({3, 4, 4});
  EXPECT_TRUE(torch::allclose(
      Voter { plugin } -> perturb(x, same), x + 0.5 * std * unit));
}

TEST(Smoothing, ANetworksNormalisationReachesItsWrappers) {
  auto network = linear({2, 3, 3}, 3);
  network->normalise({0.1, 0.2}, {0.5, 4});
  const ParamMap params = {{"sigma", 1.0}, {"space", "normalised"}};
  const auto plugin = defense("smoothing", params);
  const Toy t = toy(network, {}, {{"smoothing", plugin}});
  Noise noise = noise_of(300);
  const Tensor x = torch::zeros({300, 2, 3, 3}), d = Voter { plugin } -> perturb(x, noise);
  EXPECT_NEAR(d.select(1, 0).std().item<double>(), 0.5, 0.05);
  EXPECT_NEAR(d.select(1, 1).std().item<double>(), 4, 0.4);
}

TEST(Smoothing, RanksCountWhatIsListed) {
  const Tensor z = logits({1, 5, 3, -2}, 4);
  EXPECT_TRUE(
      torch::equal(smoothing({{"vote", "weighted"}, {"weights", ParamList{1.0, 0.3}}}).ballots(z),
                   logits({0, 1, 0.3F, 0}, 4)));
  EXPECT_TRUE(
      torch::equal(smoothing({{"vote", "weighted"}, {"ratio", 0.5}, {"top_k", 3}}).ballots(z),
                   logits({0.25, 1, 0.5, 0}, 4)));
  const Voter more = smoothing({{"vote", "weighted"}, {"weights", ParamList{5, 4, 3, 2, 1}}});
  EXPECT_TRUE(torch::equal(more.ballots(z), logits({3, 5, 4, 2}, 4)));
  EXPECT_GE(more->lead(), 5);
}

TEST(Smoothing, SoftVotesMayAverageLogitsAsTheAuthorsCodeDoes) {
  const Voter voter = smoothing({{"vote", "soft"}, {"average", "logit"}});
  const Tensor z = logits({10, 0, -4, 0, -4, 0}, 2);
  EXPECT_EQ(voter.ballots(z).sum(0).argmax().item<int64_t>(), 0);
  EXPECT_EQ(voter->surrogate(), Average::kLogit);
  EXPECT_TRUE(std::isinf(voter->lead()));  // no early stop: one copy may outweigh all others
}

// A stand-in for validation: answers are right with a chance that depends on sigma and on nothing
// else, so which sigma is best is known.
struct Validation : Fitting, View {
  Votes* voter = nullptr;
  int64_t attacks = 0;
  Outputs pass(const Tensor&, const std::vector<std::string>&) override {
    throw std::logic_error("not asked for");
  }
  Tensor ballots(const Tensor& x, int64_t draws) override {
    Noise noise = noise_of(x.size(0));
    const double sigma =
        (voter->perturb(torch::zeros({x.size(0), 1, 8, 8}), noise)).std().item<double>();
    const int64_t right = std::llround(double(x.size(0)) * (0.9 - std::fabs(sigma - 0.2)));
    Tensor votes = torch::zeros({x.size(0), 2});
    votes.slice(0, 0, right).select(1, 0) = double(draws);
    votes.slice(0, right).select(1, 1) = double(draws);
    return votes;
  }
  View& model() override { return *this; }
  Batch data() override {
    return {torch::zeros({1000, 1, 8, 8}), torch::zeros({1000}, torch::kLong), torch::arange(1000)};
  }
  Tensor attack(const Use& use, const Batch& batch, const ThreatModel& threat) override {
    EXPECT_EQ(use.plugin, "pgd");
    EXPECT_FLOAT_EQ(threat.epsilon.item<float>(), 8.0F / 255);
    ++attacks;
    return batch.x;
  }
};

TEST(Smoothing, FitsSigmaAndSamplesOnAttackedValidationImages) {
  const auto plugin = defense("smoothing", {{"sigmas", ParamList{0.4, 0.1, 0.2, 0.0}},
                                            {"mc_grid", ParamList{int64_t{32}, int64_t{8}}}});
  auto& fits = dynamic_cast<Fits&>(*plugin);
  EXPECT_TRUE(fits.wanted());
  Validation validation;
  validation.voter = dynamic_cast<Votes*>(plugin.get());
  fits.fit(validation);
  EXPECT_EQ(validation.attacks, 4);
  EXPECT_FLOAT_EQ(fits.state.at("sigma").item<float>(), 0.2F);
  EXPECT_EQ(fits.state.at("mc_samples").item<int64_t>(), 8);  // as good as 32
  EXPECT_EQ(validation.voter->mc_samples(), 8);
  EXPECT_EQ(fits.state.at("accuracy").sizes(), at::IntArrayRef({4, 2}));
  EXPECT_FALSE(dynamic_cast<Fits&>(*defense("smoothing")).wanted());
}

TEST(Smoothing, OfEqualAccuraciesTheFitTakesTheSmallestSigma) {
  struct AlwaysRight final : Validation {
    Tensor ballots(const Tensor& x, int64_t) override {
      return torch::tensor({1.f, 0.f}).repeat({x.size(0), 1});
    }
  } validation;
  const auto plugin = defense("smoothing", {{"sigmas", ParamList{0.4, 0.1, 0.2}}});
  auto& fits = dynamic_cast<Fits&>(*plugin);
  fits.fit(validation);
  EXPECT_FLOAT_EQ(fits.state.at("sigma").item<float>(), 0.1F);
}

}  // namespace
}  // namespace gauntlet
