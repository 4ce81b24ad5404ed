#pragma once
#include "gauntlet/noise.h"

namespace gauntlet::evaluation {

/// Who draws. Noise of different streams is independent, so that neither attack nor scoring chooses
/// the draws it is judged on.
enum class Stream : uint64_t {
  kAttack = 1,
  kDefense,
  kSource,
  kScoring,
  kClean,
  kSelection,
  kWorstCase,  // of versions before 0.2: those after it keep their numbers
  kTraining,
  kProbe,
  kFit,
  kTarget,
  kCertify,
  kAudit,
  kSuggested,
  kSamples
};

/// The source of noise for samples with these data set indices, [N] int64. `run` tells apart the
/// uses of one stream under one seed (restarts, batches of a trainer).
Noise noise_for(uint64_t seed, Stream stream, const Tensor& index, uint64_t run = 0);

/// The k-th further source of the same rows (k > 0), independent of `noise` and of the others.
Noise further(const Noise& noise, uint64_t k);
/// The rows [from, from + count) of a source.
Noise narrowed(const Noise& noise, int64_t from, int64_t count);

/// Units of Noise::Key::place and shared: one draw, one step.
constexpr int64_t kDrawUnit = int64_t{1} << 20, kStepUnit = int64_t{1} << 40;

/// Steps from here on belong to keys of Draw::kFixed, of which there are as many.
constexpr int64_t kFixedKeys = int64_t{1} << 22;
/// Where the draws of a fixed key begin, in Noise::Key::place and shared.
constexpr int64_t fixed_place(int64_t key) { return (key + kFixedKeys) * kStepUnit; }
/// The draws [first, first + count) of a fixed key, all rows of the first before those of the next;
/// draws that rows share are of the first.
Noise fixed_draws(const Noise& source, int64_t key, int64_t first, int64_t count);

}  // namespace gauntlet::evaluation
