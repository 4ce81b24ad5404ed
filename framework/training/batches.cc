#include "training/batches.h"

#include <ATen/Parallel.h>

#include "base/bad_input.h"
#include "evaluation/streams.h"

namespace gauntlet::training {

Noise training_noise(uint64_t seed, TrainingNoise use, const Tensor& samples) {
  return noise_for(seed, evaluation::Stream::kTraining, samples, uint64_t(use));
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

void check_classes(const Recipe& recipe, const Split& split, const Tensor& labels) {
  const auto counts = [&](const Tensor& samples) {
    return labels.index_select(0, samples).bincount({}, recipe.network.classes);
  };
  const Tensor train = counts(split.train), validation = counts(split.validation);
  // Few images of a class may all fall into one part by chance; where as many were to be expected
  // in the other, they do not.
  constexpr double kEnough = 20;
  const auto refuse = [&](const Tensor& here, const Tensor& there, const char* part,
                          const char* other) {
    const double ratio = here.sum().item<double>() / std::max(1.0, there.sum().item<double>());
    const Tensor classes = (here.eq(0) & (there >= kEnough) & (there * ratio >= kEnough)).nonzero();
    if (classes.size(0) > 0)
      throw BadInput(recipe.file.string() + ": class " + to_text(classes[0].item<int64_t>()) +
                     " is among the samples " + other + " and not among those " + part +
                     "; expected a training split whose images are not in the order of their "
                     "classes, since validation takes its last ones");
  };
  refuse(train, validation, "to train on", "for validation");
  refuse(validation, train, "for validation", "to train on");
}

Tensor epoch_order(const Tensor& samples, uint64_t seed, int64_t epoch) {
  const Noise source = training_noise(seed, TrainingNoise::kOrder, samples).at(epoch);
  const Tensor key = Noise(source).uniform({1}).squeeze(1);
  const Tensor order = std::get<1>(key.sort(/*stable=*/true, 0, /*descending=*/false));
  return samples.index_select(0, order);
}

namespace {
// to[c][i][j] = from[c][i + down][j + right], columns reversed if `flip`; where that lies outside,
// `to` is left as it is.
void place(const float* from, float* to, at::IntArrayRef shape, int64_t down, int64_t right,
           bool flip) {
  const int64_t height = shape[1], width = shape[2];
  const int64_t first = std::max<int64_t>(0, -right), last = std::min(width, width - right);
  for (int64_t c = 0; c < shape[0]; ++c)
    for (int64_t i = std::max<int64_t>(0, -down); i < std::min(height, height - down); ++i) {
      const float* line = from + (c * height + i + down) * width + right;
      float* target = to + (c * height + i) * width;
      if (flip)
        for (int64_t j = first; j < last; ++j) target[width - 1 - j] = line[j];
      else if (first < last)
        std::copy(line + first, line + last, target + first);
    }
}
}  // namespace

Tensor augment(const Tensor& x, const AugmentationSpec& spec, Noise& noise) {
  const int64_t rows = x.size(0), pad = spec.crop_padding;
  if (rows == 0 || (pad == 0 && !spec.flip)) return x;
  const Tensor draws = noise.uniform({3}).contiguous(), source = x.contiguous();
  const float *draw = draws.const_data_ptr<float>(), *image = source.const_data_ptr<float>();
  Tensor out = torch::zeros_like(source);
  float* to = out.mutable_data_ptr<float>();
  const int64_t size = source[0].numel();
  for (int64_t row = 0; row < rows; ++row, draw += 3, image += size, to += size) {
    const auto offset = [&](float u) { return int64_t(u * float(2 * pad + 1)) - pad; };
    place(image, to, x.sizes().slice(1), offset(draw[0]), offset(draw[1]),
          spec.flip && draw[2] < 0.5f);
  }
  return out;
}

Batch training_batch(const data::Dataset& data, const Tensor& samples, const AugmentationSpec& spec,
                     uint64_t seed, int64_t epoch) {
  Noise noise = training_noise(seed, TrainingNoise::kAugmentation, samples).at(epoch);
  return {augment(data.x(samples), spec, noise), data.y(samples), samples};
}

TrainingBatches::TrainingBatches(const data::Dataset& data, Tensor order, const Recipe& recipe,
                                 int64_t epoch)
    : data_(data), order_(std::move(order)), recipe_(recipe), epoch_(epoch), next_(ahead(0)) {
  from_ = recipe.batch_size;
}

std::future<Batch> TrainingBatches::ahead(int64_t from) const {
  const Tensor samples = order_.slice(0, from, std::min(from + recipe_.batch_size, order_.size(0)));
  return std::async(std::launch::async, [this, samples] {
    at::set_num_threads(1);  // of this thread: the cores are busy with the batch before
    const at::NoGradGuard no_graph;
    return training_batch(data_, samples, recipe_.augmentation, uint64_t(recipe_.seed), epoch_);
  });
}

Batch TrainingBatches::next() {
  Batch batch = next_.get();
  if (from_ < order_.size(0)) next_ = ahead(from_);
  from_ += recipe_.batch_size;
  return batch;
}

}  // namespace gauntlet::training
