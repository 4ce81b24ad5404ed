// Random self-ensemble: fixed noise in front of every convolution. Liu et al., 2018,
// https://arxiv.org/abs/1712.00673
#include "gauntlet/plugin.h"

namespace {
using namespace gauntlet;

struct Rse final : Defense, PerturbsLayers, KnowsNormalisation {
  struct Params {
    double first = 0.2, inner = 0.1;
    std::string space = "pixel";

    void fields(auto&& visit) {
      visit(first, "first", "standard deviation before the first convolution, in units of space",
            Range{0, 10});
      visit(inner, "inner", "standard deviation before the other convolutions", Range{0, 10});
      visit(space, "space", "where first is measured: pixels of [0, 1], or after normalisation",
            OneOf{"pixel", "normalised"});
    }
  } p;

  Tensor std = torch::ones({1, 1, 1, 1});  // [1, C, 1, 1], pixels of one unit of normalised space

  void normalisation(const Tensor&, const Tensor& s) override { std = s; }

  Tensor input(const Layer& layer, const Tensor& a, Noise& noise) override {
    const bool image = layer.index == 0;
    const double sigma = image ? p.first : p.inner;
    if (layer.kind != Layer::Kind::kConv || sigma == 0) return a;
    const Tensor drawn = sigma * noise.normal(a.sizes().slice(1));
    return image && p.space == "pixel" ? a + drawn / std.to(a.device()) : a + drawn;
  }
};
}  // namespace

GAUNTLET_DEFENSE(Rse, "rse", "2.0.0", "white noise in front of every convolution");
