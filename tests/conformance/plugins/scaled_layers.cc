// Weights times a scale that is trained, and a penalty that pulls it to 1.
#include "gauntlet/plugin.h"

namespace {
using namespace gauntlet;

struct ScaledLayers final : Defense, PerturbsLayers {
  struct Params {
    double strength = 0.1;
    void fields(auto&& visit) {
      visit(strength, "strength", "of the penalty on the logarithm of the scale", Range{0, 1000});
    }
  } p;

  void declare(const Layer&, Parameters& parameters) override {
    parameters.add("log_scale", torch::full({1}, 0.1), /*weight_decay=*/false);
  }
  Tensor weight(const Layer& layer, const Tensor& w, Noise&) override {
    return w * layer.learned.at("log_scale").exp();
  }
  Tensor penalty(const Layer& layer) override {
    return 0.5 * p.strength * layer.learned.at("log_scale").square().sum();
  }
};
}  // namespace

GAUNTLET_DEFENSE(ScaledLayers, "scaled_layers", "1.0.0",
                 "scales weights by what a penalty pulls to 1");
