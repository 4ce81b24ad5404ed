#include "training/batches.h"

#include "base/bad_input.h"
#include "evaluation/streams.h"

namespace gauntlet {

Noise training_noise(uint64_t seed, TrainingNoise use, const Tensor& samples) {
  return noise_for(seed, Stream::kTraining, samples, uint64_t(use));
}

Split split_samples(const Recipe& recipe, int64_t split_size) {
  const int64_t left = split_size - recipe.validation.samples;
  const int64_t train = recipe.samples > 0 ? recipe.samples : left;
  if (train < 1 || train > left)
    throw BadInput(recipe.file.string() + ": the training split of '" + recipe.dataset + "' has " +
                   std::to_string(split_size) + " samples, the recipe asks for " +
                   std::to_string(std::max<int64_t>(train, 1)) + " to train on and " +
                   std::to_string(recipe.validation.samples) + " for validation");
  return {torch::arange(train, torch::kLong), torch::arange(left, split_size, torch::kLong)};
}

Tensor epoch_order(const Tensor& samples, uint64_t seed, int64_t epoch) {
  const Noise source = training_noise(seed, TrainingNoise::kOrder, samples).at(epoch);
  const Tensor key = Noise(source).uniform({1}).squeeze(1);
  const Tensor order = std::get<1>(key.sort(/*stable=*/true, 0, /*descending=*/false));
  return samples.index_select(0, order);
}

Tensor augment(const Tensor& x, const AugmentationSpec& spec, Noise& noise) {
  const int64_t rows = x.size(0), pad = spec.crop_padding;
  if (rows == 0 || (pad == 0 && !spec.flip)) return x;
  const Tensor draws = noise.uniform({3}).contiguous();
  const float* draw = draws.const_data_ptr<float>();
  const Tensor padded = pad > 0 ? torch::constant_pad_nd(x, {pad, pad, pad, pad}) : x;
  Tensor out = torch::empty_like(x);
  for (int64_t row = 0; row < rows; ++row, draw += 3) {
    const auto offset = [&](float u) { return int64_t(u * float(2 * pad + 1)); };
    Tensor image =
        padded[row].narrow(1, offset(draw[0]), x.size(2)).narrow(2, offset(draw[1]), x.size(3));
    if (spec.flip && draw[2] < 0.5f) image = image.flip({2});
    out[row].copy_(image);
  }
  return out;
}

Batch training_batch(const Dataset& data, const Tensor& samples, const AugmentationSpec& spec,
                     uint64_t seed, int64_t epoch) {
  Noise noise = training_noise(seed, TrainingNoise::kAugmentation, samples).at(epoch);
  return {augment(data.x(samples), spec, noise), data.y(samples), samples};
}

}  // namespace gauntlet
