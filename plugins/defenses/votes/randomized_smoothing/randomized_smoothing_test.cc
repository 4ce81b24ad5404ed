// Certificates of randomized smoothing on models whose distance to the boundary is known.
#include <gtest/gtest.h>

#include <cmath>

#include "evaluation/certify.h"
#include "gauntlet/statistics.h"
#include "tests/toys/toy_model.h"

namespace gauntlet {
namespace {
using namespace toys;

double normal_share(double z) { return std::erfc(-z / std::sqrt(2.0)) / 2; }

// A linear model of two classes under smoothing, images and their signed distances from the plane
// (above 0: the bare answer is 1).
struct Smoothed {
  Toy toy;
  Tensor x, distance;

  Smoothed(const ParamMap& params, int64_t n, double scale = 1)
      : toy(toys::toy(linear({1, 4, 4}, 2, 0.5), {},
                      {{"randomized_smoothing", defense("randomized_smoothing", params)}})) {
    const Tensor w = toy.network->tensors()[0].tensor, b = toy.network->tensors()[1].tensor;
    const Tensor normal = (w[1] - w[0]) / (w[1] - w[0]).norm();
    const auto margin = [&](const Tensor& at) {
      return ((torch::linear(at.flatten(1), w, b).matmul(torch::tensor({-1.0f, 1.0f}))) /
              (w[1] - w[0]).norm());
    };
    x = batch_of(*toy.model, n).x;
    // Moved along the normal until the distances are as wanted.
    Noise noise = noise_of(n, 17);
    const Tensor wanted = scale * noise.normal({1}).squeeze(1);
    x = x + (wanted - margin(x)).view({-1, 1, 1, 1}) * normal.view({1, 1, 4, 4});
    distance = margin(x).to(torch::kDouble);
  }

  Certificate certify() const {
    int64_t forwards = 0;
    const Certificate out = certificates(
        *toy.model, x, noise_for(3, evaluation::Stream::kCertify, torch::arange(x.size(0))),
        forwards);
    return out;
  }
};

TEST(RandomizedSmoothing, RadiiApproachTheBoundaryFromBelow) {
  const double sigma = 0.3, alpha = 0.001;
  const int64_t n = 10'000;
  const Smoothed model({{"sigma", sigma}, {"n", n}, {"n0", 100}, {"alpha", alpha}}, 60, 0.4);
  const Certificate given = model.certify();
  EXPECT_EQ(model.toy.model->certifies()->alpha(), alpha);
  int64_t certified = 0;
  for (int64_t i = 0; i < 60; ++i) {
    const double d = model.distance[i].item<double>(), p = normal_share(std::abs(d) / sigma);
    const int64_t answer = given.answer[i].item<int64_t>();
    // The count lies within five standard deviations of its mean, and the radius with it.
    const double spread = 5 * std::sqrt(n * p * (1 - p)) + 5;
    const auto low = int64_t(std::floor(n * p - spread));
    const double chance = clopper_pearson_lower(low, n, alpha);
    const double least = chance > 0.5 ? sigma * normal_quantile(chance) : -1;
    EXPECT_TRUE(answer >= 0 || least < 0) << d;
    if (answer < 0) continue;
    ++certified;
    EXPECT_EQ(answer, d > 0) << d;
    EXPECT_LE(given.radius[i].item<double>(), std::abs(d));
    EXPECT_GE(given.radius[i].item<double>(), least) << d;
  }
  EXPECT_GE(certified, 50);
}

// Of 3,000 certificates at alpha = 0.05 at most 150 may fail; four standard deviations are 48. The
// bound is exact up to its steps, so a good part of them does: a certificate is no looser than it
// says.
TEST(RandomizedSmoothing, CertificatesFailAsSeldomAsTheySay) {
  const int64_t samples = 3000;
  const Smoothed model({{"sigma", 0.3}, {"n", 200}, {"n0", 20}, {"alpha", 0.05}}, samples, 0.2);
  const Certificate given = model.certify();
  int64_t failed = 0;
  for (int64_t i = 0; i < samples; ++i) {
    const double d = model.distance[i].item<double>();
    const int64_t answer = given.answer[i].item<int64_t>();
    failed += answer >= 0 && (answer != (d > 0) || given.radius[i].item<double>() > std::abs(d));
  }
  EXPECT_LE(failed, 150 + 48);
  EXPECT_GE(failed, 30);
}

TEST(RandomizedSmoothing, GivesTheReferenceRadii) {
  // All copies agree far from the boundary: the largest radius there is.
  for (const auto& [n, quantile] : {std::pair{100, 1.50048}, {1000, 2.46326}, {100'000, 3.81146}}) {
    const Smoothed model({{"sigma", 0.25}, {"n", n}}, 2, 0);
    const Tensor far = model.x + 100 * (torch::arange(2) - 0.5).view({2, 1, 1, 1}).sign();
    int64_t forwards = 0;
    const Certificate given = certificates(*model.toy.model, far, noise_of(2), forwards);
    EXPECT_NEAR(given.radius[0].item<double>(), 0.25 * quantile, 2e-6) << n;
    EXPECT_EQ(given.radius[0].item<double>(), given.radius[1].item<double>());
    EXPECT_EQ(forwards, 2 * (100 + n));
  }
}

TEST(RandomizedSmoothing, AbstainsOnTheBoundary) {
  const Certificate given = Smoothed({{"sigma", 0.3}, {"n", 1000}}, 50, 0).certify();
  EXPECT_TRUE((given.answer == -1).all().item<bool>());
}

TEST(RandomizedSmoothing, CertificatesDoNotDependOnTheBatch) {
  const Smoothed model({{"sigma", 0.3}, {"n", 150}, {"n0", 20}}, 300, 0.4);
  const Certificate whole = model.certify();
  const Noise noise = noise_for(3, evaluation::Stream::kCertify, torch::arange(300));
  for (const int64_t i : {0, 7, 256, 299}) {
    int64_t forwards = 0;
    const Certificate one = certificates(*model.toy.model, model.x.narrow(0, i, 1),
                                         evaluation::narrowed(noise, i, 1), forwards);
    EXPECT_EQ(one.answer.item<int64_t>(), whole.answer[i].item<int64_t>());
    EXPECT_EQ(one.radius.item<double>(), whole.radius[i].item<double>());
  }
}

TEST(RandomizedSmoothing, CertifiesTheVoteWithTheNoiseInItsLayers) {
  const Toy noisy = toy(
      linear({1, 4, 4}, 2, 0.5), {defense("pni", {{"initial", 1.0}})},
      {{"randomized_smoothing", defense("randomized_smoothing", {{"sigma", 0.3}, {"n", 500}})}});
  const evaluation::CraftBatch batch = batch_of(*noisy.model, 20);
  int64_t forwards = 0;
  const Certificate given = certificates(*noisy.model, batch.x, noise_of(20), forwards);
  EXPECT_EQ(noisy.model->certificate_problem(), "");
  EXPECT_EQ(forwards, 20 * 600);
  const Smoothed plain({{"sigma", 0.3}, {"n", 500}}, 1);
  const Certificate bare = certificates(*plain.toy.model, batch.x, noise_of(20), forwards);
  EXPECT_FALSE(torch::equal(given.radius, bare.radius));
}

TEST(RandomizedSmoothing, PredictsAsTheHardVote) {
  const auto stack = [](const char* name, const ParamMap& params) {
    return toy(linear({1, 4, 4}, 3), {}, {{name, defense(name, params)}});
  };
  const Toy a = stack("randomized_smoothing", {{"sigma", 0.4}, {"mc_samples", 32}}),
            b = stack("smoothing", {{"sigma", 0.4}, {"mc_samples", 32}, {"vote", "prediction"}});
  const evaluation::CraftBatch batch = batch_of(*a.model, 100);
  EXPECT_TRUE(torch::equal(a.model->decide(batch.x, noise_of(100)).answer,
                           b.model->decide(batch.x, noise_of(100)).answer));
}

}  // namespace
}  // namespace gauntlet
