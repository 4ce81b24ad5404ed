// A data set and a network that are trained in milliseconds.
#pragma once
#include "conformance/toys.h"
#include "data/dataset.h"
#include "training/recipe.h"

namespace gauntlet::conformance {

/// Images of four classes: a bright quarter says which, the rest is noise. [n, 1, 8, 8]
inline data::Dataset quarters(int64_t n, uint64_t seed = 1) {
  const Tensor index = torch::arange(n, torch::kLong);
  data::Dataset data;
  data.id = "quarters";
  data.split = "train";
  data.labels = index.remainder(4);
  Noise noise = noise_for(seed, evaluation::Stream::kProbe, index);
  Tensor images = noise.uniform({1, 8, 8}) * 160;
  for (int64_t i = 0; i < n; ++i) {
    const int64_t label = i % 4;
    images[i][0].narrow(0, 4 * (label / 2), 4).narrow(1, 4 * (label % 2), 4).add_(60);
  }
  data.images = images.to(torch::kByte);
  return data;
}

/// One convolution, batch norm, one linear layer; for images of whole quarters by default.
inline models::NetworkSpec small_network(std::vector<int64_t> image = {1, 8, 8},
                                         int64_t classes = 4) {
  const auto layer = [](ParamMap options) { return ParamValue(std::move(options)); };
  models::NetworkSpec spec;
  spec.architecture = "sequential";
  spec.input = std::move(image);
  spec.classes = classes;
  spec.options["layers"] =
      ParamList{layer({{"type", "conv"}, {"out", 4}, {"kernel", 3}, {"stride", 2}, {"padding", 1}}),
                layer({{"type", "batchnorm"}}), layer({{"type", "relu"}}),
                layer({{"type", "flatten"}}), layer({{"type", "linear"}, {"out", classes}})};
  return spec;
}

/// A training of that network on quarters, under a threat.
inline training::Recipe small_recipe() {
  training::Recipe recipe;
  recipe.id = "quarters/small";
  recipe.dataset = "quarters";
  recipe.network = small_network();
  recipe.seed = 3;
  recipe.batch_size = 16;
  recipe.schedule.learning_rate = 0.05;
  recipe.threat = suite::ThreatSpec{"training", Norm::kLinf, 0.05, "0.05"};
  return recipe;
}

}  // namespace gauntlet::conformance
