#include "evaluation/streams.h"

namespace gauntlet {

Noise noise_for(uint64_t seed, Stream stream, const Tensor& index, uint64_t run) {
  // Odd multipliers keep (seed, stream, run) apart before the generator mixes them.
  Noise noise;
  noise.key.seed = seed * 0x9E3779B97F4A7C15u + uint64_t(stream) * 0xBF58476D1CE4E5B9u +
                   run * 0x94D049BB133111EBu;
  noise.key.id = index;
  noise.key.place = torch::zeros_like(index);
  return noise;
}

}  // namespace gauntlet
