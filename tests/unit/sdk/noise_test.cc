#include "gauntlet/noise.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <set>
#include <vector>

namespace gauntlet {
namespace {

Noise noise_of(const Tensor& id, uint64_t seed = 1) {
  Noise noise;
  noise.key.seed = seed;
  noise.key.id = id;
  noise.key.place = torch::zeros_like(id);
  return noise;
}
Noise noise_of(int64_t rows, uint64_t seed = 1) { return noise_of(torch::arange(rows), seed); }

bool same(const Tensor& a, const Tensor& b) { return torch::equal(a, b); }

// Largest distance between the empirical distribution and `cdf` (Kolmogorov & Smirnov).
template <class Cdf>
double distribution_distance(const Tensor& values, Cdf cdf) {
  const Tensor sorted = std::get<0>(values.flatten().to(torch::kDouble).sort()).contiguous();
  const double* v = sorted.const_data_ptr<double>();
  const auto n = double(sorted.numel());
  double worst = 0;
  for (int64_t i = 0; i < sorted.numel(); ++i) {
    const double f = cdf(v[i]);
    worst = std::max({worst, std::fabs(f - double(i) / n), std::fabs(f - double(i + 1) / n)});
  }
  return worst;
}
// Exceeded by one sample in a thousand; the seeds are fixed, so a pass stays a pass.
double critical(const Tensor& values) { return 1.95 / std::sqrt(double(values.numel())); }

TEST(Noise, NormalsFollowTheNormalDistribution) {
  const Tensor z = noise_of(64).normal({4, 25, 25});
  EXPECT_LT(distribution_distance(z, [](double v) { return std::erfc(-v / M_SQRT2) / 2; }),
            critical(z));
  const double n = double(z.numel());  // bounds: four standard errors of each moment
  EXPECT_NEAR(z.mean().item<double>(), 0, 4 / std::sqrt(n));
  EXPECT_NEAR(z.square().mean().item<double>(), 1, 4 * std::sqrt(2 / n));
  EXPECT_NEAR(z.pow(3).mean().item<double>(), 0, 4 * std::sqrt(15 / n));
  EXPECT_NEAR(z.pow(4).mean().item<double>(), 3, 4 * std::sqrt(96 / n));
}

TEST(Noise, UniformsFillTheHalfOpenInterval) {
  const Tensor u = noise_of(64).uniform({2500});
  EXPECT_LT(distribution_distance(u, [](double v) { return v; }), critical(u));
  EXPECT_GE(u.min().item<double>(), 0);
  EXPECT_LT(u.max().item<double>(), 1);
}

// Neighbours in every direction in which values are laid out: elements of a row (a group of 64 is
// four words of sixteen blocks), rows, steps, draws, calls, layers, seeds.
TEST(Noise, NeighboursAreUncorrelated) {
  const Noise noise = noise_of(200);
  const auto take = [](Noise n) { return n.normal({1024}); };
  const Tensor z = take(noise);
  const auto correlation = [](const Tensor& a, const Tensor& b) {
    return (a * b).mean().item<double>();
  };
  const double bound = 4 / std::sqrt(200 * 960.0);
  for (const int64_t lag : {1, 2, 3, 4, 15, 16, 17, 32, 48, 64}) {
    const Tensor a = z.slice(1, 0, 1024 - lag), b = z.slice(1, lag);
    EXPECT_NEAR(correlation(a, b), 0, bound) << lag;
    EXPECT_NEAR(correlation(a.square() - 1, b.square() - 1), 0, 2 * bound) << lag;
  }
  EXPECT_NEAR(correlation(z.slice(0, 1), z.slice(0, 0, -1)), 0, bound);
  Noise second = noise, layer = noise;
  second.normal({1024});
  layer.key.layer = 1;
  for (const Noise& other : {second, layer, noise_of(200, 2), noise.at(1), noise.at(0, 1)})
    EXPECT_NEAR(correlation(z, take(other)), 0, bound);
}

TEST(Noise, DependsOnTheSampleNotOnTheBatch) {
  const Tensor all = noise_of(50).normal({3, 5, 7});
  const Tensor order = torch::randperm(50, at::TensorOptions(torch::kLong));
  EXPECT_TRUE(same(noise_of(order).normal({3, 5, 7}), all.index_select(0, order)));
  for (const int64_t size : {1, 7, 50}) {
    std::vector<Tensor> parts;
    for (int64_t i = 0; i < 50; i += size)
      parts.push_back(
          noise_of(torch::arange(i, std::min<int64_t>(i + size, 50))).normal({3, 5, 7}));
    EXPECT_TRUE(same(torch::cat(parts), all));
  }
}

TEST(Noise, DoesNotDependOnTheNumberOfThreads) {
  const int before = at::get_num_threads();
  std::vector<Tensor> rows, shared;
  for (const int threads : {1, 2, 3}) {
    at::set_num_threads(threads);
    rows.push_back(noise_of(300).normal({3, 32, 32}));
    shared.push_back(noise_of(1).shared_normal({700'001}));
  }
  at::set_num_threads(before);
  for (const int i : {1, 2}) {
    EXPECT_TRUE(same(rows[0], rows[i]));
    EXPECT_TRUE(same(shared[0], shared[i]));
  }
}

TEST(Noise, EveryCallGivesNewValuesAndACopyGivesTheSame) {
  Noise noise = noise_of(4), copy = noise;
  const Tensor first = noise.normal({10}), second = noise.normal({10});
  EXPECT_FALSE(same(first, second));
  EXPECT_TRUE(same(copy.normal({10}), first));
  EXPECT_TRUE(same(copy.normal({10}), second));
}

TEST(Noise, EveryKeyGivesItsOwnValues) {
  std::set<std::vector<float>> seen;
  const auto remember = [&](Noise noise) {
    const Tensor v = noise.uniform({4});
    EXPECT_TRUE(
        seen.insert(std::vector<float>(v.const_data_ptr<float>(), v.const_data_ptr<float>() + 4))
            .second);
  };
  for (const uint64_t seed : {1, 2})
    for (const int64_t id : {0, 1, 1'000'000})
      for (const uint32_t layer : {0, 1})
        for (const int64_t step : {0, 1, (1 << 23) - 1})
          for (const int64_t draw : {0, 1, (1 << 20) - 1}) {
            Noise noise = noise_of(torch::full({1}, id, torch::kLong), seed);
            noise.key.layer = layer;
            remember(noise.at(step, draw));
          }
}

TEST(Noise, StepAndDrawStartFromTheFirstCall) {
  Noise noise = noise_of(3);
  const Tensor expected = noise.at(5, 2).normal({6});
  noise.normal({6});
  EXPECT_TRUE(same(noise.at(5, 2).normal({6}), expected));
  EXPECT_TRUE(same(noise.at(9, 9).at(5, 2).normal({6}), expected));
}

TEST(Noise, StepAndDrawOutOfRangeAreErrors) {
  const Noise noise = noise_of(3);
  EXPECT_NO_THROW(noise.at((1 << 23) - 1, (1 << 20) - 1));
  for (const auto& [step, draw] :
       {std::pair<int64_t, int64_t>{1 << 23, 0}, {0, 1 << 20}, {-1, 0}, {0, -1}})
    EXPECT_THROW(noise.at(step, draw), std::out_of_range);
}

TEST(Noise, CopiesOfASampleDifferAndTheFirstIsItsOwn) {
  const Noise noise = noise_of(3);
  const Tensor own = Noise(noise).normal({8});
  const Tensor rows = noise.rows(torch::tensor({2, 0, 2, 2, 1, 0}, torch::kLong)).normal({8});
  EXPECT_TRUE(same(rows[0], own[2]));
  EXPECT_TRUE(same(rows[1], own[0]));
  EXPECT_TRUE(same(rows[4], own[1]));
  for (const auto& [a, b] : {std::pair{0, 2}, {0, 3}, {2, 3}, {1, 5}})
    EXPECT_FALSE(same(rows[a], rows[b]));
}

TEST(Noise, CopiesKeepTheirPlaceUnderStepsAndSelection) {
  const Noise noise = noise_of(2);
  const Noise copies = noise.rows(torch::tensor({0, 0, 1, 1}, torch::kLong));
  EXPECT_TRUE(same(copies.at(3, 1).normal({5})[2], noise.at(3, 1).normal({5})[1]));
  const Noise kept = copies.rows(torch::tensor({1, 3}, torch::kLong));  // each once: as they were
  EXPECT_TRUE(same(kept.at(3).normal({5}),
                   copies.at(3).normal({5}).index_select(0, torch::tensor({1, 3}, torch::kLong))));
}

TEST(Noise, CopiesOfCopiesDoNotMeet) {
  const Noise copies = noise_of(2).rows(torch::tensor({0, 0, 1, 1}, torch::kLong));
  Noise twice = copies.rows(torch::tensor({0, 0, 0, 1, 1, 1, 2, 2, 3}, torch::kLong));
  const Tensor v = twice.normal({4});
  for (int64_t i = 0; i < v.size(0); ++i)
    for (int64_t j = 0; j < i; ++j) EXPECT_FALSE(same(v[i], v[j])) << i << ", " << j;
}

TEST(Noise, MoreCopiesThanThereAreKeysIsAnError) {
  const Noise noise = noise_of(1);
  EXPECT_NO_THROW(noise.rows(torch::zeros({1 << 20}, torch::kLong)));
  EXPECT_THROW(noise.rows(torch::zeros({(1 << 20) + 1}, torch::kLong)), std::out_of_range);
}

TEST(Noise, SharedDrawsDoNotDependOnTheRows) {
  const Tensor expected = noise_of(1).shared_normal({3, 5});
  EXPECT_TRUE(same(noise_of(77).shared_normal({3, 5}), expected));
  EXPECT_EQ(expected.sizes(), (at::IntArrayRef{3, 5}));
  EXPECT_FALSE(same(noise_of(1).at(1).shared_normal({3, 5}), expected));
  EXPECT_FALSE(same(noise_of(1).at(0, 1).shared_normal({3, 5}), expected));
  EXPECT_FALSE(same(noise_of(1).normal({3, 5})[0], expected));
}

TEST(Noise, WorksWithoutRows) {
  Noise shared_only;
  EXPECT_EQ(shared_only.at(2).shared_normal({3}).size(0), 3);
  Noise none = noise_of(torch::empty({0}, torch::kLong));
  EXPECT_EQ(none.normal({3, 2}).sizes(), (at::IntArrayRef{0, 3, 2}));
  EXPECT_EQ(none.rows(torch::empty({0}, torch::kLong)).normal({2}).size(0), 0);
}

TEST(Noise, OffGivesTheCentreOfEachDistribution) {
  Noise noise = noise_of(3);
  noise.key.off = true;
  EXPECT_TRUE(same(noise.normal({4}), torch::zeros({3, 4})));
  EXPECT_TRUE(same(noise.uniform({4}), torch::full({3, 4}, 0.5)));
  EXPECT_TRUE(same(noise.shared_normal({4}), torch::zeros({4})));
}

}  // namespace
}  // namespace gauntlet
