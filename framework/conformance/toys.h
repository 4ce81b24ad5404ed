// Small models whose answers are known in closed form, and batches for them.
#pragma once
#include <cmath>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "evaluation/defended_model.h"
#include "evaluation/rules.h"
#include "evaluation/streams.h"

namespace gauntlet::conformance {

/// logits = activation(flat(x) A^T) B^T + c; without A it is linear in x.
class ToyNetwork final : public models::Network {
 public:
  ToyNetwork(std::vector<int64_t> image, Tensor linear, Tensor bias, Tensor hidden = {})
      : linear_(std::move(linear)), bias_(std::move(bias)), hidden_(std::move(hidden)) {
    spec_.architecture = "toy";
    spec_.input = std::move(image);
    spec_.classes = linear_.size(0);
    Layer layer;
    layer.kind = Layer::Kind::kLinear;
    layer.name = "last";
    layer.count = 1;
    layer.weight_shape = linear_.sizes().vec();
    layer.input = {linear_.size(1)};
    layer.output = {linear_.size(0)};
    layer.weight = linear_;
    layers_.push_back(layer);
  }
  const models::NetworkSpec& spec() const override { return spec_; }
  /// What it says of its images; the forward pass does not use it.
  void normalise(std::vector<double> mean, std::vector<double> std) {
    spec_.mean = std::move(mean), spec_.std = std::move(std);
  }
  Outputs forward(const Tensor& x, const Noise& noise, const std::vector<PerturbsLayers*>& plugins,
                  models::Mode, const std::vector<std::string>& features = {}) override {
    Tensor a = x.flatten(1), w = linear_;
    // Sums row by row: a matrix product may round otherwise in a batch of another size.
    const auto product = [](const Tensor& rows, const Tensor& m) {
      return (rows.unsqueeze(1) * m).sum(2);
    };
    if (hidden_.defined()) a = product(a, hidden_).tanh();
    const Tensor last = a;
    Noise own = noise;
    own.key.layer = 16;
    for (PerturbsLayers* plugin : plugins) {
      w = plugin->weight(layers_[0], w, own);
      a = plugin->input(layers_[0], a, own);
    }
    Outputs out{product(a, w) + bias_, {}, {}};
    for (const std::string& name : features) out.heads[name] = last;
    return out;
  }
  /// What the last layer reads.
  std::vector<std::string> features() const override { return {"penultimate"}; }
  const std::vector<Layer>& layers() const override { return layers_; }
  void declare(PerturbsLayers& plugin, const std::string&) override {
    struct Adder final : Parameters {
      Layer* layer;
      void add(const std::string& name, const Tensor& initial, bool, const std::string&) override {
        layer->learned[name] = initial;
      }
    } adder;
    adder.layer = &layers_[0];
    plugin.declare(layers_[0], adder);
  }
  std::vector<models::NamedTensor> tensors() const override {
    std::vector<models::NamedTensor> all = {{"last.weight", linear_}, {"last.bias", bias_}};
    if (hidden_.defined()) all.push_back({"first.weight", hidden_});
    for (const auto& [name, tensor] : layers_[0].learned) all.push_back({"last." + name, tensor});
    return all;
  }
  void weights_changed() override {}
  void set_trainable(bool on) override {
    for (models::NamedTensor& t : tensors()) t.tensor.requires_grad_(on);
  }
  void to(at::Device) override {}

 private:
  models::NetworkSpec spec_;
  Tensor linear_, bias_, hidden_;
  std::vector<Layer> layers_;
};

/// Noise of R rows for tests.
inline Noise noise_of(int64_t rows, uint64_t seed = 1) {
  return noise_for(seed, evaluation::Stream::kProbe, torch::arange(rows));
}

struct Toy {
  std::shared_ptr<ToyNetwork> network;
  std::shared_ptr<evaluation::DefendedModel> model;
};

inline Toy toy(const std::shared_ptr<ToyNetwork>& network,
               const std::vector<std::shared_ptr<Defense>>& layers = {},
               const std::vector<evaluation::DefendedModel::Wrapper>& stack = {}) {
  for (const auto& plugin : layers) network->declare(dynamic_cast<PerturbsLayers&>(*plugin), "toy");
  Toy out{network, std::make_shared<evaluation::DefendedModel>(network, layers, stack)};
  Noise noise = noise_of(4, 99);
  out.model->probe(noise.uniform(network->spec().input));
  return out;
}

/// A linear model with normal weights of this size.
inline std::shared_ptr<ToyNetwork> linear(std::vector<int64_t> image, int64_t classes,
                                          double size = 1, uint64_t seed = 1) {
  Noise noise = noise_of(1, seed);
  const int64_t d = c10::multiply_integers(image);
  const Tensor w = size * noise.shared_normal({classes, d});
  return std::make_shared<ToyNetwork>(std::move(image), w, size * noise.shared_normal({classes}));
}
/// A network with one hidden layer of 16 units, its logits times `size`.
inline std::shared_ptr<ToyNetwork> curved(std::vector<int64_t> image, int64_t classes,
                                          uint64_t seed = 1, double size = 1) {
  Noise noise = noise_of(1, seed);
  const int64_t d = c10::multiply_integers(image);
  const Tensor hidden = noise.shared_normal({16, d}) / std::sqrt(double(d)) * 3;
  const Tensor last = size * noise.shared_normal({classes, 16});
  return std::make_shared<ToyNetwork>(std::move(image), last, torch::zeros({classes}), hidden);
}

inline ThreatModel threat_of(Norm norm, double epsilon) {
  return {norm, torch::full({1, 1, 1, 1}, epsilon)};
}
/// The epsilon of a threat that allows on small images about what `radius` does in a ball. L0 and
/// patch take the whole pixels below it.
inline double size_like(Norm norm, double radius) {
  switch (norm) {
    case Norm::kLinf:
    case Norm::kL2:
    case Norm::kL1:
    case Norm::kTranslation:
      return radius;
    case Norm::kFlow:
      return radius / 2;
    case Norm::kPatch:
      return radius > 0 ? std::ceil(5 * radius) : 0;
    case Norm::kL0:
      return radius > 0 ? std::ceil(10 * radius) : 0;
    case Norm::kRotation:
      return 40 * radius;
    case Norm::kUnbounded:
      return 1;
  }
  throw std::invalid_argument("no such norm");
}

/// N uniform images, labelled by the model itself where it has an answer for them.
inline evaluation::CraftBatch batch_of(evaluation::DefendedModel& model, int64_t n,
                                       uint64_t seed = 5) {
  Noise noise = noise_of(n, seed);
  evaluation::CraftBatch batch;
  batch.x = noise.uniform(model.network().spec().input);
  batch.y = model.bare_logits(batch.x).argmax(1);
  batch.index = torch::arange(n);
  return batch;
}

inline evaluation::CraftBatch part(const evaluation::CraftBatch& batch, int64_t from, int64_t to) {
  const auto cut = [&](const Tensor& t) { return t.defined() ? t.slice(0, from, to) : t; };
  return {cut(batch.x), cut(batch.y), cut(batch.index), cut(batch.target), cut(batch.settled)};
}

}  // namespace gauntlet::conformance
