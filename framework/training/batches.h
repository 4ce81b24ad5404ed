// Which samples are trained on, in which order, and how they are augmented: functions of the seed
// and the epoch alone.
#pragma once
#include "data/dataset.h"
#include "gauntlet/defense.h"
#include "gauntlet/noise.h"
#include "training/recipe.h"

namespace gauntlet {

/// Indices in the training split, disjoint.
struct Split {
  Tensor train, validation;  ///< int64
};
/// Throws BadInput if the split has too few samples.
Split split_samples(const Recipe& recipe, int64_t split_size);

/// `samples` in the order of an epoch.
Tensor epoch_order(const Tensor& samples, uint64_t seed, int64_t epoch);

/// Crops and flips of [B, C, H, W]; two draws a sample place the crop, the third decides the flip.
/// An image's own values depend on its row of the noise only.
Tensor augment(const Tensor& x, const AugmentationSpec& spec, Noise& noise);

/// The training batch of these samples in an epoch.
Batch training_batch(const Dataset& data, const Tensor& samples, const AugmentationSpec& spec,
                     uint64_t seed, int64_t epoch);

/// Streams of training noise: `run` of noise_for().
enum class TrainingNoise : uint64_t { kLayers, kMethod, kOrder, kAugmentation, kValidation };
Noise training_noise(uint64_t seed, TrainingNoise use, const Tensor& samples);

}  // namespace gauntlet
