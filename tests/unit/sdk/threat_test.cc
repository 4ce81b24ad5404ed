#include "gauntlet/threat.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

namespace gauntlet {
namespace {

Noise threat_noise(int64_t rows, uint64_t seed) {
  Noise noise;
  noise.key.seed = seed;
  noise.key.id = torch::arange(rows);
  noise.key.place = torch::zeros({rows}, torch::kLong);
  return noise;
}
ThreatModel threat_of(Norm norm, double epsilon) {
  return {norm, torch::full({1, 1, 1, 1}, epsilon)};
}
const std::vector<Norm> kNorms = {Norm::kLinf, Norm::kL2, Norm::kL1};

// max <g, q> over delta q in ball and box: per coordinate for Linf, greedy by |g| for L1.
double best_linear(Norm norm, const std::vector<double>& g, const std::vector<double>& x,
                   double epsilon) {
  std::vector<size_t> order(g.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(),
            [&](size_t a, size_t b) { return std::fabs(g[a]) > std::fabs(g[b]); });
  double value = 0, left = epsilon;
  for (const size_t i : order) {
    const double room = g[i] > 0 ? 1 - x[i] : x[i];
    const double step = std::min(room, norm == Norm::kLinf ? epsilon : left);
    value += std::fabs(g[i]) * step, left -= step;
  }
  return value;
}

std::vector<double> doubles(const Tensor& t) {
  const Tensor d = t.to(torch::kDouble).contiguous();
  return {d.const_data_ptr<double>(), d.const_data_ptr<double>() + d.numel()};
}

// p is the nearest point of a convex set to d exactly where no point q of it has <d-p, q-p> > 0.
TEST(ThreatModel, ProjectionIsTheNearestPointOfBallAndBox) {
  for (const Norm norm : {Norm::kLinf, Norm::kL1})
    for (const double epsilon : {0.05, 0.3, 1.5})
      for (const int64_t size : {1, 2, 3, 5, 12}) {
        Noise noise = threat_noise(200, uint64_t(size));
        const Tensor x = noise.uniform({size, 1, 1});
        const Tensor d = (noise.uniform({size, 1, 1}) - 0.5) * 3;
        const ThreatModel threat = threat_of(norm, epsilon);
        const Tensor p = threat.project(x, d);
        for (int64_t i = 0; i < 200; ++i) {
          const std::vector<double> pi = doubles(p[i]), di = doubles(d[i]), xi = doubles(x[i]);
          std::vector<double> g(pi.size());
          double at_p = 0;
          for (size_t k = 0; k < g.size(); ++k) g[k] = di[k] - pi[k], at_p += g[k] * pi[k];
          // Floats of size 1, up to 12 of them: 1e-5 is some ten roundings.
          ASSERT_NEAR(best_linear(norm, g, xi, epsilon), at_p, 1e-5);
        }
      }
}

TEST(ThreatModel, ProjectionIsFeasible) {
  for (const Norm norm : kNorms)
    for (const double epsilon : {0.0, 0.03, 0.5, 20.0}) {
      Noise noise = threat_noise(50, 3);
      const Tensor x = noise.uniform({3, 8, 8}), d = noise.normal({3, 8, 8});
      const ThreatModel threat = threat_of(norm, epsilon);
      const Tensor p = threat.project(x, d), moved = x + p;
      EXPECT_LE(threat.distance(x, moved).max().item<double>(), epsilon * (1 + 1e-6) + 1e-6);
      EXPECT_GE(moved.min().item<double>(), 0);
      EXPECT_LE(moved.max().item<double>(), 1);
      EXPECT_TRUE(torch::allclose(threat.project(x, p), p, 1e-5, 1e-6));  // nothing left to do
    }
}

TEST(ThreatModel, ProjectionLeavesWhatIsInsideAlone) {
  for (const Norm norm : kNorms) {
    Noise noise = threat_noise(20, 4);
    const Tensor x = 0.4 + 0.2 * noise.uniform({2, 3, 3});
    const Tensor d = 0.01 * (noise.uniform({2, 3, 3}) - 0.5);
    // Through x + d and back: half an ulp of x.
    EXPECT_TRUE(torch::allclose(threat_of(norm, 0.3).project(x, d), d, 0, 6e-8));
  }
}

TEST(ThreatModel, L2ScalesToTheBallThenClampsToTheBox) {
  const Tensor x = torch::tensor({0.5f, 0.9f}).view({1, 2, 1, 1});
  const Tensor p = threat_of(Norm::kL2, 0.5).project(x, torch::tensor({3.f, 4.f}).view_as(x));
  EXPECT_TRUE(torch::allclose(p.flatten(), torch::tensor({0.3f, 0.1f}), 0, 1e-6));
}

TEST(ThreatModel, EpsilonZeroMovesNothing) {
  for (const Norm norm : kNorms) {
    Noise noise = threat_noise(10, 5);
    const Tensor x = noise.uniform({3, 4, 4});
    const ThreatModel threat = threat_of(norm, 0);
    EXPECT_TRUE(torch::equal(x + threat.project(x, noise.normal({3, 4, 4})), x));
    EXPECT_TRUE(torch::equal(x + threat.random(x, noise), x));
  }
}

TEST(ThreatModel, EverySampleCanHaveItsEpsilon) {
  for (const Norm norm : kNorms) {
    Noise noise = threat_noise(4, 6);
    const Tensor x = torch::full({4, 1, 5, 5}, 0.5), d = 10 * noise.normal({1, 5, 5});
    ThreatModel threat = threat_of(norm, 0);
    threat.epsilon = torch::tensor({0.0f, 0.1f, 0.2f, 0.3f}).view({4, 1, 1, 1});
    const Tensor p = threat.project(x, d);
    for (int64_t i = 0; i < 4; ++i) {
      const Tensor alone = threat_of(norm, threat.epsilon[i].item<double>())
                               .project(x.slice(0, i, i + 1), d.slice(0, i, i + 1));
      EXPECT_TRUE(torch::equal(p[i], alone[0]));
    }
    const Tensor sample = torch::tensor({3, 1, 3}, torch::kLong);
    EXPECT_TRUE(torch::equal(threat.rows(sample).epsilon, threat.epsilon.index_select(0, sample)));
  }
  EXPECT_EQ(threat_of(Norm::kLinf, 0.1).rows(torch::zeros({7}, torch::kLong)).epsilon.size(0), 1);
}

TEST(ThreatModel, SteepestIsTheUnitStepThatRaisesALinearLossMost) {
  const Tensor g = threat_noise(30, 7).normal({1, 4, 5});  // 20 coordinates: L1 moves a single one
  const Tensor flat = g.flatten(1).abs();
  const std::vector<Tensor> dual = {flat.sum(1), flat.square().sum(1).sqrt(),
                                    std::get<0>(flat.max(1))};
  for (size_t i = 0; i < kNorms.size(); ++i) {
    const ThreatModel threat = threat_of(kNorms[i], 1);
    const Tensor s = threat.steepest(g);
    EXPECT_TRUE(torch::allclose(threat.distance(torch::zeros_like(g), s), torch::ones({30})));
    EXPECT_TRUE(torch::allclose((s * g).flatten(1).sum(1), dual[i], 1e-5));
  }
}

TEST(ThreatModel, SteepestInL1IsSharedByTheLargestTwentieth) {
  const Tensor g = torch::arange(-50, 50, torch::kFloat).view({1, 1, 10, 10});
  const Tensor s = threat_of(Norm::kL1, 1).steepest(g).flatten();
  Tensor expected = torch::zeros({100});
  for (const int64_t i : {0, 1, 2, 3}) expected[i] = -0.2;  // -50 ... -47
  expected[99] = 0.2;                                       // 49, before -46
  const Tensor tied = expected.clone();                     // |-49| = |49|, |-48| = |48|: 5 largest
  tied[3] = 0, tied[98] = 0.2;                              // are 50, 49, 49, 48, 48
  EXPECT_TRUE(torch::equal(s, tied));
}

TEST(ThreatModel, TheBoxHoldsWhatWouldLeaveIt) {
  const ThreatModel threat{Norm::kL1, torch::full({1, 1, 1, 1}, 1.0), 0.25, 0.75};
  const Tensor x = torch::tensor({0.25f, 0.25f, 0.5f, 0.5f, 0.75f, 0.75f, 0.75f}),
               g = torch::tensor({-1.f, 1.f, -1.f, 1.f, -1.f, 1.f, 0.f}),
               held = torch::tensor({1, 0, 0, 0, 0, 1, 0}).to(torch::kBool);
  EXPECT_TRUE(torch::equal(threat.held_by_box(x.view({1, 1, 1, 7}), g.view({1, 1, 1, 7})),
                           held.view({1, 1, 1, 7})));
}

TEST(ThreatModel, NoGradientMakesNoStep) {
  for (const Norm norm : kNorms)
    EXPECT_TRUE(torch::equal(threat_of(norm, 1).steepest(torch::zeros({2, 1, 5, 5})),
                             torch::zeros({2, 1, 5, 5})));
}

// From the smallest float to the largest: what 32-bit squares and sums lose at both ends.
const std::vector<double> kScales = {1, 30, 1e-12, 1e-20, 1e-30, 1e-38, 1e-44, 1e20, 1e36};

Tensor times(const Tensor& t, double scale) {
  return (t.to(torch::kDouble) * scale).to(torch::kFloat);
}

TEST(ThreatModel, DirectionsDoNotDependOnTheGradientsScale) {
  const Tensor g = threat_noise(6, 17).normal({2, 6, 6});
  for (const Norm norm : kNorms)
    for (const double scale : kScales) {
      SCOPED_TRACE(std::to_string(int(norm)) + " " + std::to_string(std::log10(scale)));
      const ThreatModel threat = threat_of(norm, 0.5);
      const Tensor scaled = times(g, scale);  // near 1e-44 it is a few whole multiples of 1.4e-45
      const Tensor step = threat.steepest(scaled);
      EXPECT_TRUE(torch::allclose(threat.distance(torch::zeros_like(g), step), torch::ones({6})));
      EXPECT_TRUE(torch::allclose(length(unit(scaled, norm), norm), torch::ones({6})));
      EXPECT_LT(length(unit(scaled) - unit(g)).max().item<double>(), scale < 1e-40 ? 0.1 : 1e-5);
      if (scale > 1e-40) {
        EXPECT_TRUE(torch::allclose(step, threat.steepest(g), 1e-5, 1e-6));
      }
    }
}

TEST(ThreatModel, LengthsHoldAtEveryScale) {
  const Tensor d = torch::tensor({3.f, -4.f}).view({1, 1, 1, 2}), none = torch::zeros_like(d);
  for (const double scale : kScales) {
    const double tolerance = scale < 1e-40 ? 0.2 : 1e-6;
    const auto expect = [&](Norm norm, double length) {
      const double seen = threat_of(norm, 1).distance(none, times(d, scale)).item<double>();
      EXPECT_NEAR(seen / (length * scale), 1, tolerance) << int(norm) << " " << scale;
    };
    expect(Norm::kLinf, 4), expect(Norm::kL2, 5), expect(Norm::kL1, 7);
  }
}

TEST(ThreatModel, ProjectionHoldsAtEveryScaleOfDeltaAndEpsilon) {
  const Tensor x = torch::full({6, 2, 6, 6}, 0.5), d = threat_noise(6, 18).normal({2, 6, 6});
  const Tensor large = threat_of(Norm::kL2, 0.5).project(x, times(d, 1e30));
  EXPECT_LT(length(large - 0.5 * unit(d)).max().item<double>(), 1e-5);
  const Tensor zero = torch::zeros_like(x);  // near 0 floats hold what is small
  for (const double scale : {1e-15, 1e-25, 1e-35}) {
    const Tensor inside = times(d.abs(), scale);
    EXPECT_TRUE(torch::equal(threat_of(Norm::kL2, 0.5).project(zero, inside), inside));
    const Tensor cut = threat_of(Norm::kL2, scale).project(zero, d.abs());
    EXPECT_TRUE(torch::allclose(length(cut) / scale, torch::ones({6})));
  }
}

TEST(ThreatModel, OrdinaryRowsHaveTheirPlainLengthToTheLastBit) {
  const Tensor g = threat_noise(40, 19).normal({3, 8, 8});
  const Tensor plain = g.flatten(1).square().sum(1).sqrt();
  EXPECT_TRUE(torch::equal(length(g), plain));
  EXPECT_TRUE(torch::equal(unit(g), g / plain.view({-1, 1, 1, 1})));
}

TEST(ThreatModel, AnInfiniteEntryIsADirectionAndNanStaysNan) {
  const double inf = std::numeric_limits<double>::infinity();
  const Tensor rows = torch::tensor({inf, 1.0, 0.0, std::nan("")}).to(torch::kFloat).view({2, 2});
  EXPECT_TRUE(torch::allclose(unit(rows)[0], torch::tensor({1.f, 0.f})));
  EXPECT_TRUE(unit(rows)[1].isnan().any().item<bool>());
}

double uniformity(const Tensor& values) {  // Kolmogorov-Smirnov distance to U(0, 1)
  const std::vector<double> v = doubles(std::get<0>(values.flatten().sort()));
  double worst = 0;
  for (size_t i = 0; i < v.size(); ++i)
    worst = std::max({worst, std::fabs(v[i] - double(i) / double(v.size())),
                      std::fabs(v[i] - double(i + 1) / double(v.size()))});
  return worst;
}

// Uniform in a ball of d dimensions: (radius / epsilon)^d is uniform.
TEST(ThreatModel, RandomIsUniformInTheBall) {
  const int64_t n = 20'000, d = 6;
  const double bound = 1.95 / std::sqrt(double(n));  // exceeded by one sample in a thousand
  const Tensor x = torch::full({n, 1, 2, 3}, 0.5);
  for (const Norm norm : kNorms) {
    Noise noise = threat_noise(n, 8);
    const Tensor delta = threat_of(norm, 0.7).random(x, noise);
    const Tensor radius = threat_of(norm, 0.7).distance(torch::zeros_like(x), delta) / 0.7;
    EXPECT_LE(radius.max().item<double>(), 1 + 1e-6);
    EXPECT_LT(uniformity(radius.pow(double(d))), bound);
    const Tensor flat = delta.flatten(1), sign = (flat > 0).to(torch::kFloat);
    EXPECT_NEAR(sign.mean().item<double>(), 0.5, 4 * 0.5 / std::sqrt(double(n * d)));
    const Tensor pairs = sign.t().mm(sign) / n;  // signs are independent: 1/4 off the diagonal
    const Tensor off = pairs.masked_select(torch::eye(d).logical_not());
    EXPECT_LT((off - 0.25).abs().max().item<double>(), 4 * 0.433 / std::sqrt(double(n)));
  }
}

TEST(ThreatModel, RandomHasTheDirectionsOfItsBall) {
  const int64_t n = 20'000;
  const double bound = 1.95 / std::sqrt(double(n));
  const Tensor x = torch::full({n, 1, 1, 3}, 0.5);
  Noise noise = threat_noise(n, 9);
  const Tensor d2 = threat_of(Norm::kL2, 1).random(x, noise).flatten(1);
  const Tensor along = d2.select(1, 0) / d2.square().sum(1).sqrt();  // of a sphere: U(-1, 1)
  EXPECT_LT(uniformity((along + 1) / 2), bound);
  const Tensor d1 = threat_of(Norm::kL1, 1).random(x, noise).flatten(1).abs();
  const Tensor share = d1.select(1, 0) / d1.sum(1);  // of a simplex: P(share > t) = (1 - t)^2
  EXPECT_LT(uniformity((1 - share).square()), bound);
}

TEST(ThreatModel, DistanceIsTheNorm) {
  const Tensor x = torch::zeros({1, 1, 1, 2}), other = torch::tensor({3.f, -4.f}).view_as(x);
  EXPECT_EQ(threat_of(Norm::kLinf, 1).distance(x, other).item<double>(), 4);
  EXPECT_EQ(threat_of(Norm::kL2, 1).distance(x, other).item<double>(), 5);
  EXPECT_EQ(threat_of(Norm::kL1, 1).distance(x, other).item<double>(), 7);
}

}  // namespace
}  // namespace gauntlet
