// Colored noise injection into weights (CNI-W): learned noise whose elements are correlated.
// Zheltonozhskii et al., 2020, https://arxiv.org/abs/2003.02188
#include <cmath>

#include "gauntlet/plugin.h"

namespace {
using namespace gauntlet;

struct Cni final : Defense, PerturbsLayers {
  struct Params {
    int64_t rank = 5;
    std::string scale = "variance";
    double diagonal = 0.0625, factor = 0.01, alpha = 0.25;
    bool weight_decay = true;

    void fields(auto&& visit) {
      visit(rank, "rank", "columns of the factor; 0: white noise only", Range{0, 1000});
      visit(scale, "scale", "what the spread of the layer's weights multiplies",
            OneOf{"variance", "sd"});
      visit(diagonal, "diagonal", "variance of the white part before training", Range{0, 100});
      visit(factor, "factor", "elements of the factor before training", Range{-10, 10});
      visit(alpha, "alpha", "linear layers: strength of their white noise before training",
            Range{0, 10});
      visit(weight_decay, "weight_decay", "the learned noise is decayed as weights are");
    }
  } p;

  void declare(const Layer& layer, Parameters& parameters) override {
    if (layer.kind == Layer::Kind::kLinear) {
      parameters.add("alpha", torch::full(layer.weight_shape, p.alpha), p.weight_decay);
      return;
    }
    parameters.add("diagonal", torch::full(layer.weight_shape, p.diagonal), p.weight_decay);
    const int64_t elements = c10::multiply_integers(layer.weight_shape);
    if (p.rank > 0)
      parameters.add("factor", torch::full({elements, p.rank}, p.factor), p.weight_decay);
  }

  Tensor weight(const Layer& layer, const Tensor& w, Noise& noise) override {
    if (layer.kind == Layer::Kind::kLinear)  // white, one strength an element (as PNI)
      return w + layer.learned.at("alpha") * w.detach().std() * noise.shared_normal(w.sizes());
    const Tensor noisy = w + deviation(layer, w.std()) * noise.shared_normal(w.sizes());
    if (p.rank == 0) return noisy;
    return noisy + layer.learned.at("factor").mv(noise.shared_normal({p.rank})).view(w.sizes());
  }

  // Of the white part. A root of 0 has no slope to learn by, hence a little more under it, and as
  // much less after it: no diagonal, no noise.
  Tensor deviation(const Layer& layer, const Tensor& spread) const {
    constexpr float kLittle = 1e-12F;
    const Tensor d = layer.learned.at("diagonal").abs();
    if (p.scale == "sd") return spread * ((d + kLittle).sqrt() - std::sqrt(kLittle));
    return (spread * d + kLittle).sqrt() - std::sqrt(kLittle);
  }
};
}  // namespace

GAUNTLET_DEFENSE(Cni, "cni", "1.0.0", "learned correlated noise on weights");
