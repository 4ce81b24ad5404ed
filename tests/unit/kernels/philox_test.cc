#include "kernels/philox/philox.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstring>
#include <numeric>
#include <random>
#include <vector>

namespace gauntlet::philox {
namespace {

std::array<uint32_t, 4> words(std::array<uint32_t, 4> c, uint32_t k0, uint32_t k1) {
  rounds(c[0], c[1], c[2], c[3], k0, k1);
  return c;
}

// Known answers of the authors' Random123 library (kat_vectors, philox4x32 with 10 rounds).
TEST(Philox, GivesTheKnownAnswers) {
  EXPECT_EQ(words({0, 0, 0, 0}, 0, 0),
            (std::array<uint32_t, 4>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  const uint32_t ones = 0xffffffff;
  EXPECT_EQ(words({ones, ones, ones, ones}, ones, ones),
            (std::array<uint32_t, 4>{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(words({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, 0xa4093822, 0x299f31d0),
            (std::array<uint32_t, 4>{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

double ulp_of(double value) {
  const float f = float(std::fabs(value));
  return std::nextafterf(f, INFINITY) - f;
}

TEST(Philox, LogarithmIsWithinTwoUlp) {
  std::mt19937_64 random(1);
  std::vector<float> inputs = {1.0f, 1 - 0x1p-24f, 0.5f, 0x1p-32f, 0x1p-31f, std::sqrt(0.5f)};
  for (int i = 0; i < 300'000; ++i) {
    inputs.push_back(float(random() >> 33) * 0x1p-31f + 0x1p-32f);
    inputs.push_back(inputs.back() * 0x1p-12f + 0x1p-32f);  // the tail too
  }
  for (const float u : inputs) {
    const double exact = std::log(double(u));
    ASSERT_NEAR(log_of_unit(u), exact, 2 * ulp_of(exact)) << u;
  }
}

TEST(Philox, CosineAndSineAreWithinTwoTenMillionths) {
  std::mt19937_64 random(2);
  std::vector<uint32_t> inputs;
  for (uint32_t eighth = 0; eighth < 8; ++eighth)
    for (const uint32_t near : {0u, 1u, ~0u}) inputs.push_back((eighth << 29) + near);
  for (int i = 0; i < 300'000; ++i) inputs.push_back(uint32_t(random()));
  for (const uint32_t word : inputs) {
    const double angle = double(word) * 2 * M_PI / 0x1p32;
    float cosine, sine;
    cos_sin(word, cosine, sine);
    ASSERT_NEAR(cosine, std::cos(angle), 2e-7) << word;
    ASSERT_NEAR(sine, std::sin(angle), 2e-7) << word;
  }
}

TEST(Philox, ExtremeWordsGiveFiniteNormals) {
  for (const uint32_t length : {0u, 1u, 2u, 0x7fffffffu, 0xfffffffeu, 0xffffffffu})
    for (const uint32_t angle : {0u, 0x20000000u, 0x80000000u, 0xffffffffu}) {
      float first, second;
      normals(length, angle, first, second);
      EXPECT_TRUE(std::isfinite(first) && std::isfinite(second));
      EXPECT_LT(std::hypot(first, second), 6.67);
    }
  float first, second;
  normals(0, 0, first, second);
  EXPECT_NEAR(first, std::sqrt(64 * std::log(2.0)), 1e-5);  // the longest radius, at angle 0
  EXPECT_EQ(second, 0);
}

std::vector<float> filled(Values values, int64_t rows, int64_t row_size, Variant variant,
                          int64_t cut = 0) {
  std::vector<int64_t> id(rows), place(rows);
  std::iota(id.begin(), id.end(), 5);
  for (int64_t i = 0; i < rows; ++i) place[i] = (i % 3) << 40 | (i % 5) << 20 | i % 7;
  std::vector<float> out(rows * row_size, NAN);
  const Request request{values, {7, 8}, id.data(), place.data(), rows, row_size, out.data()};
  const int64_t groups = rows * request.groups_per_row();
  fill(request, 0, cut, variant);
  fill(request, cut, groups, variant);
  return out;
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

// Sizes around the group of 64 and the lane count of 16.
const std::vector<int64_t> kOddSizes = {1, 2, 3, 15, 16, 17, 63, 64, 65, 127, 784, 1000};

// The definition, a block at a time and compiled without vectors.
__attribute__((noinline, optimize("no-tree-vectorize"))) float one_value(Values values, int64_t row,
                                                                         int64_t e) {
  const uint64_t place = (row % 3) << 40 | (row % 5) << 20 | row % 7;
  const auto w = words(
      {uint32_t(16 * (e / 64) + e % 16), uint32_t(row + 5), uint32_t(place), uint32_t(place >> 32)},
      7, 8);
  const int64_t word = e % 64 / 16;
  if (values == Values::kUniform) return uniform(w[word]);
  float pair[2];
  normals(w[word / 2 * 2], w[word / 2 * 2 + 1], pair[0], pair[1]);
  return pair[word % 2];
}

TEST(Philox, FillsWithWhatTheDefinitionSays) {
  for (const Values values : {Values::kUniform, Values::kNormal})
    for (const int64_t size : kOddSizes) {
      const std::vector<float> out = filled(values, 4, size, Variant::kPortable);
      for (int64_t row = 0; row < 4; ++row)
        for (int64_t e = 0; e < size; ++e)
          ASSERT_EQ(out[row * size + e], one_value(values, row, e)) << row << ", " << e;
    }
}

TEST(Philox, EveryInstructionSetGivesTheSameBits) {
  if (best_variant() == Variant::kPortable) GTEST_SKIP() << "this machine has no other";
  for (const Values values : {Values::kUniform, Values::kNormal})
    for (const int64_t size : kOddSizes) {
      const std::vector<float> plain = filled(values, 50, size, Variant::kPortable);
      for (const Variant variant : {Variant::kAvx2, Variant::kAvx512})
        if (variant <= best_variant()) {
          EXPECT_TRUE(same_bits(plain, filled(values, 50, size, variant))) << size;
        }
    }
}

TEST(Philox, WorkCanBeCutAnywhere) {
  const std::vector<float> whole = filled(Values::kNormal, 7, 200, best_variant());
  for (int64_t cut = 1; cut < 28; ++cut)
    EXPECT_TRUE(same_bits(whole, filled(Values::kNormal, 7, 200, best_variant(), cut)));
}

}  // namespace
}  // namespace gauntlet::philox
