// Which samples are trained on, in which order, and how they are augmented: functions of the seed
// and the epoch alone.
#pragma once
#include <future>

#include "data/dataset.h"
#include "gauntlet/defense.h"
#include "gauntlet/noise.h"
#include "training/recipe.h"

namespace gauntlet::training {

/// Indices in the training split, disjoint.
struct Split {
  Tensor train, validation;  ///< int64
};
/// Throws BadInput if the split has too few samples.
Split split_samples(const Recipe& recipe, int64_t split_size);

/// Throws BadInput where classes lie in one part only, as they do where the images are in the order
/// of their classes. `labels`: [N] int64, of the whole training split.
void check_classes(const Recipe& recipe, const Split& split, const Tensor& labels);
/// `samples` in the order of an epoch.
Tensor epoch_order(const Tensor& samples, uint64_t seed, int64_t epoch);

/// Crops and flips of [B, C, H, W]; two draws a sample place the crop, the third decides the flip.
/// An image's own values depend on its row of the noise only.
Tensor augment(const Tensor& x, const AugmentationSpec& spec, Noise& noise);

/// The training batch of these samples in an epoch.
Batch training_batch(const data::Dataset& data, const Tensor& samples, const AugmentationSpec& spec,
                     uint64_t seed, int64_t epoch);

/// The batches of an epoch in order; the next one is made on another thread while one is trained
/// on.
class TrainingBatches {
 public:
  /// All arguments must outlive it.
  TrainingBatches(const data::Dataset& data, Tensor order, const Recipe& recipe, int64_t epoch);
  /// Throws what making the batch threw. Must not be asked beyond the last one.
  Batch next();

 private:
  std::future<Batch> ahead(int64_t from) const;

  const data::Dataset& data_;
  const Tensor order_;
  const Recipe& recipe_;
  const int64_t epoch_;
  int64_t from_ = 0;  // of the batch after the one that is being made
  std::future<Batch> next_;
};

/// Streams of training noise: `run` of noise_for().
enum class TrainingNoise : uint64_t {
  kLayers,
  kMethod,
  kOrder,
  kAugmentation,
  kValidation,
  kStatistics
};
Noise training_noise(uint64_t seed, TrainingNoise use, const Tensor& samples);

}  // namespace gauntlet::training
