#include "evaluation/streams.h"

namespace gauntlet::evaluation {

Noise noise_for(uint64_t seed, Stream stream, const Tensor& index, uint64_t run) {
  // Odd multipliers keep (seed, stream, run) apart before the generator mixes them.
  Noise noise;
  noise.key.seed = seed * 0x9E3779B97F4A7C15u + uint64_t(stream) * 0xBF58476D1CE4E5B9u +
                   run * 0x94D049BB133111EBu;
  noise.key.id = index;
  noise.key.place = torch::zeros_like(index);
  return noise;
}

Noise further(const Noise& noise, uint64_t k) {
  Noise out = noise;
  out.key.seed += k * 0xD1B54A32D192ED03u;  // none of the multipliers above
  return out;
}

Noise narrowed(const Noise& noise, int64_t from, int64_t count) {
  Noise out = noise;
  out.key.id = noise.key.id.narrow(0, from, count);
  out.key.place = noise.key.place.narrow(0, from, count);
  return out;
}

Noise fixed_draws(const Noise& source, int64_t key, int64_t first, int64_t count) {
  Noise out = source;
  const Tensor draw = torch::arange(first, first + count, source.key.id.options());
  out.key.id = source.key.id.repeat({count});
  out.key.place = draw.repeat_interleave(source.key.id.size(0)) * kDrawUnit + fixed_place(key);
  out.key.shared = fixed_place(key) + first * kDrawUnit;
  return out;
}

}  // namespace gauntlet::evaluation
