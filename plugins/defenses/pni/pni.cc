// Parametric noise injection into weights (PNI-W). He et al., 2019,
// https://arxiv.org/abs/1811.09310
#include "gauntlet/plugin.h"

namespace {
using namespace gauntlet;

struct Pni final : Defense, PerturbsLayers {
  struct Params {
    std::string alpha = "layer";
    double initial = 0.25;

    void fields(auto&& visit) {
      visit(alpha, "alpha", "what shares one learned strength",
            OneOf{"layer", "channel", "element"});
      visit(initial, "initial", "strength before training", Range{0, 10});
    }
  } p;

  void declare(const Layer& layer, Parameters& parameters) override {
    std::vector<int64_t> shape = layer.weight_shape;  // [out, in, ...]; shared dimensions become 1
    if (p.alpha != "element") std::fill(shape.begin() + (p.alpha == "channel"), shape.end(), 1);
    parameters.add("alpha", torch::full(shape, p.initial), /*weight_decay=*/false);
  }

  // Only alpha learns from the noise: neither the draw nor the weights' spread carries a gradient.
  Tensor weight(const Layer& layer, const Tensor& w, Noise& noise) override {
    return w + layer.learned.at("alpha") * w.detach().std() * noise.shared_normal(w.sizes());
  }
};
}  // namespace

GAUNTLET_DEFENSE(Pni, "pni", "1.0.0", "learned white noise on weights");
