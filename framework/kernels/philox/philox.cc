#include "kernels/philox/philox.h"

#include <algorithm>

namespace gauntlet::philox {
namespace {

// One group: a loop over lanes without branches, which the compiler turns into vectors of whatever
// width the enclosing function may use.
template <Values kValues>
GAUNTLET_PHILOX_FN void fill_group(uint32_t first, uint32_t id, uint32_t low, uint32_t high,
                                   uint32_t k0, uint32_t k1, float* __restrict out) {
  for (uint32_t lane = 0; lane < uint32_t(kLanes); ++lane)
    block<kValues>(first + lane, id, low, high, k0, k1, out[lane], out[kLanes + lane],
                   out[2 * kLanes + lane], out[3 * kLanes + lane]);
}

template <Values kValues>
GAUNTLET_PHILOX_FN void fill_groups(const Request& r, int64_t begin, int64_t end) {
  const int64_t per_row = r.groups_per_row();
  for (int64_t n = begin; n < end; ++n) {
    const int64_t row = n / per_row, group = n % per_row, left = r.row_size - group * kGroup;
    const uint64_t place = uint64_t(r.place[row]);
    const auto fill_one = [&](float* out) __attribute__((always_inline)) {
      fill_group<kValues>(uint32_t(group * kLanes), uint32_t(r.id[row]), uint32_t(place),
                          uint32_t(place >> 32), r.key[0], r.key[1], out);
    };
    float* const out = r.out + row * r.row_size + group * kGroup;
    if (left >= kGroup) {
      fill_one(out);
    } else {
      float whole[kGroup];
      fill_one(whole);
      std::copy_n(whole, left, out);
    }
  }
}

GAUNTLET_PHILOX_FN void fill_any(const Request& r, int64_t begin, int64_t end) {
  if (r.values == Values::kNormal)
    fill_groups<Values::kNormal>(r, begin, end);
  else
    fill_groups<Values::kUniform>(r, begin, end);
}

void fill_portable(const Request& r, int64_t begin, int64_t end) { fill_any(r, begin, end); }

#if defined(__x86_64__)
// Functions of their own rather than target_clones: an ifunc is resolved before sanitizers start.
__attribute__((target("avx2"))) void fill_avx2(const Request& r, int64_t begin, int64_t end) {
  fill_any(r, begin, end);
}
__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))) void fill_avx512(const Request& r,
                                                                               int64_t begin,
                                                                               int64_t end) {
  fill_any(r, begin, end);
}
#endif
}  // namespace

Variant best_variant() {
#if defined(__x86_64__)
  static const Variant best = [] {
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
      return Variant::kAvx512;
    return __builtin_cpu_supports("avx2") ? Variant::kAvx2 : Variant::kPortable;
  }();
  return best;
#else
  return Variant::kPortable;
#endif
}

void fill(const Request& request, int64_t begin, int64_t end, Variant variant) {
#if defined(__x86_64__)
  if (variant == Variant::kAvx512) return fill_avx512(request, begin, end);
  if (variant == Variant::kAvx2) return fill_avx2(request, begin, end);
#endif
  fill_portable(request, begin, end);
}

void fill(const Request& request, int threads) {
  constexpr int64_t kGrain = 8192;  // groups: a millisecond; less is not worth waking a thread
  const Variant variant = best_variant();
  const int64_t groups = request.rows * request.groups_per_row();
  const int64_t tasks = std::clamp<int64_t>(groups / kGrain, 1, threads);
#pragma omp parallel for num_threads(tasks) if (tasks > 1)
  for (int64_t task = 0; task < tasks; ++task)
    fill(request, groups * task / tasks, groups * (task + 1) / tasks, variant);
}

}  // namespace gauntlet::philox
