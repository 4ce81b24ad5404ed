// Philox4x32-10 (Salmon et al., 2011, https://doi.org/10.1145/2063384.2063405) fused with the
// conversion to uniforms and normals: one pass, no temporaries, shared by CPU and CUDA.
//
// Every operation is an integer one or an IEEE operation that rounds once, and none is contracted
// (GAUNTLET_PHILOX_MUL, _ADD), so a value has the same bits on every instruction set, device,
// thread count and batch size.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>

#include "gauntlet/abi.h"

#if defined(__CUDACC__)
#define GAUNTLET_PHILOX_FN __host__ __device__ inline
#else
#define GAUNTLET_PHILOX_FN inline __attribute__((always_inline))
#endif
#if defined(__CUDA_ARCH__)  // a product and a sum there become one fused operation otherwise
#define GAUNTLET_PHILOX_MUL(a, b) __fmul_rn(a, b)
#define GAUNTLET_PHILOX_ADD(a, b) __fadd_rn(a, b)
#define GAUNTLET_PHILOX_SQRT(a) __fsqrt_rn(a)
#else  // the .cc is compiled with -ffp-contract=off
#define GAUNTLET_PHILOX_MUL(a, b) ((a) * (b))
#define GAUNTLET_PHILOX_ADD(a, b) ((a) + (b))
#define GAUNTLET_PHILOX_SQRT(a) sqrtf(a)
#endif

namespace gauntlet::philox {

enum class Values { kUniform, kNormal };

/// Blocks that are computed together. Value e of a row is word (e % 64) / 16 of the block with
/// counter 16 * (e / 64) + e % 16: sixteen lanes of a vector lie side by side in memory.
constexpr int64_t kLanes = 16, kGroup = 4 * kLanes;

/// A request: `rows` rows of `row_size` values. Counter of a block: (block, id, place).
struct Request {
  Values values;
  uint32_t key[2];
  const int64_t* id;     ///< [rows], the low 32 bits count
  const int64_t* place;  ///< [rows]
  int64_t rows, row_size;
  float* out;  ///< [rows, row_size]

  GAUNTLET_PHILOX_FN int64_t groups_per_row() const { return (row_size + kGroup - 1) / kGroup; }
};

/// Instruction sets of the CPU kernel, slowest first.
enum class Variant { kPortable, kAvx2, kAvx512 };
/// The fastest one this machine has.
GAUNTLET_API Variant best_variant();
/// Groups [begin, end) of all rows * groups_per_row() of a request: the unit of parallel work.
GAUNTLET_API void fill(const Request& request, int64_t begin, int64_t end, Variant variant);
/// All of a request, on so many threads.
GAUNTLET_API void fill(const Request& request, int threads);
/// On the current CUDA device, with pointers to its memory. Returns a cudaError_t, 0 for success.
/// Only in builds with CUDA.
int fill_on_cuda(const Request& request, void* stream);

/// Ten rounds, in place.
GAUNTLET_PHILOX_FN void rounds(uint32_t& c0, uint32_t& c1, uint32_t& c2, uint32_t& c3, uint32_t k0,
                               uint32_t k1) {
#if defined(__CUDACC__)
#pragma unroll
#else
#pragma GCC unroll 10
#endif
  for (int round = 0; round < 10; ++round) {
    const uint64_t a = uint64_t{0xD2511F53u} * c0, b = uint64_t{0xCD9E8D57u} * c2;
    const uint32_t n0 = uint32_t(b >> 32) ^ c1 ^ k0, n2 = uint32_t(a >> 32) ^ c3 ^ k1;
    c1 = uint32_t(b), c3 = uint32_t(a), c0 = n0, c2 = n2;
    k0 += 0x9E3779B9u, k1 += 0xBB67AE85u;
  }
}

GAUNTLET_PHILOX_FN float as_float(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}
GAUNTLET_PHILOX_FN uint32_t as_bits(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}
GAUNTLET_PHILOX_FN float fma2(float a, float b, float c) {  // two roundings on every machine
  return GAUNTLET_PHILOX_ADD(GAUNTLET_PHILOX_MUL(a, b), c);
}

/// In [0, 1), on a 24-bit grid.
GAUNTLET_PHILOX_FN float uniform(uint32_t word) {
  return GAUNTLET_PHILOX_MUL(float(int32_t(word >> 8)), 0x1p-24f);
}

/// Natural logarithm of u in [2^-32, 1]; within 2 ulp. Polynomial of Cephes' logf.
GAUNTLET_PHILOX_FN float log_of_unit(float u) {
  const uint32_t bits = as_bits(u);
  const int32_t exponent = int32_t(bits - 0x3f3504f3u) >> 23;   // of u / sqrt(1/2)
  const float m = as_float(bits - (uint32_t(exponent) << 23));  // in [sqrt(1/2), sqrt(2))
  const float f = GAUNTLET_PHILOX_ADD(m, -1.0f), e = float(exponent);
  const float square = GAUNTLET_PHILOX_MUL(f, f);
  float p = 7.0376836292e-2f;
  p = fma2(p, f, -1.1514610310e-1f);
  p = fma2(p, f, 1.1676998740e-1f);
  p = fma2(p, f, -1.2420140846e-1f);
  p = fma2(p, f, 1.4249322787e-1f);
  p = fma2(p, f, -1.6668057665e-1f);
  p = fma2(p, f, 2.0000714765e-1f);
  p = fma2(p, f, -2.4999993993e-1f);
  p = fma2(p, f, 3.3333331174e-1f);
  float y = GAUNTLET_PHILOX_MUL(GAUNTLET_PHILOX_MUL(p, f), square);
  y = fma2(e, -2.12194440e-4f, y);  // ln 2 = 0.693359375 - 2.12194440e-4, the first part exact
  y = fma2(square, -0.5f, y);
  return fma2(e, 0.693359375f, GAUNTLET_PHILOX_ADD(f, y));
}

/// Cosine and sine of word / 2^32 turns; absolute error below 2e-7. Polynomials of Cephes' sinf.
GAUNTLET_PHILOX_FN void cos_sin(uint32_t word, float& cosine, float& sine) {
  const uint32_t quarter = (word + 0x20000000u) >> 30;   // the nearest, 4 is 0
  const int32_t rest = int32_t(word - (quarter << 30));  // in [-1/8, 1/8) of a turn
  const float a = GAUNTLET_PHILOX_MUL(float(rest), 1.46291807926715968e-9f);  // 2 pi / 2^32
  const float z = GAUNTLET_PHILOX_MUL(a, a);
  const float s_high = fma2(fma2(-1.9515295891e-4f, z, 8.3321608736e-3f), z, -1.6666654611e-1f);
  const float s = fma2(GAUNTLET_PHILOX_MUL(s_high, z), a, a);
  const float c_high =
      fma2(fma2(2.443315711809948e-5f, z, -1.388731625493765e-3f), z, 4.166664568298827e-2f);
  const float c = GAUNTLET_PHILOX_ADD(
      fma2(GAUNTLET_PHILOX_MUL(c_high, z), z, GAUNTLET_PHILOX_MUL(z, -0.5f)), 1.0f);
  // Quarter turns swap and negate: (c, s), (-s, c), (-c, -s), (s, -c).
  const uint32_t swap = 0u - (quarter & 1u), differ = (as_bits(c) ^ as_bits(s)) & swap;
  const uint32_t minus_c = ((quarter + 1u) & 2u) << 30, minus_s = (quarter & 2u) << 30;
  cosine = as_float((as_bits(c) ^ differ) ^ minus_c);
  sine = as_float((as_bits(s) ^ differ) ^ minus_s);
}

/// Two independent standard normals (Box & Muller, 1958); the largest possible is 6.66.
GAUNTLET_PHILOX_FN void normals(uint32_t length, uint32_t angle, float& first, float& second) {
  const float u = fma2(float(int32_t(length >> 1)), 0x1p-31f, 0x1p-32f);  // in (0, 1]
  const float radius = GAUNTLET_PHILOX_SQRT(GAUNTLET_PHILOX_MUL(log_of_unit(u), -2.0f));
  float cosine, sine;
  cos_sin(angle, cosine, sine);
  first = GAUNTLET_PHILOX_MUL(radius, cosine), second = GAUNTLET_PHILOX_MUL(radius, sine);
}

/// The four values of one block.
template <Values kValues>
GAUNTLET_PHILOX_FN void block(uint32_t counter, uint32_t id, uint32_t place_low,
                              uint32_t place_high, uint32_t k0, uint32_t k1, float& v0, float& v1,
                              float& v2, float& v3) {
  uint32_t c0 = counter, c1 = id, c2 = place_low, c3 = place_high;
  rounds(c0, c1, c2, c3, k0, k1);
  if constexpr (kValues == Values::kNormal) {
    normals(c0, c1, v0, v1);
    normals(c2, c3, v2, v3);
  } else {
    v0 = uniform(c0), v1 = uniform(c1), v2 = uniform(c2), v3 = uniform(c3);
  }
}

}  // namespace gauntlet::philox
