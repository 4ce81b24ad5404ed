// Random self-ensemble: fixed noise in front of every convolution. Liu et al., 2018,
// https://arxiv.org/abs/1712.00673
#include "gauntlet/plugin.h"

namespace {
using namespace gauntlet;

struct Rse final : Defense, PerturbsLayers {
  struct Params {
    double first = 0.2, inner = 0.1;

    void fields(auto&& visit) {
      visit(first, "first", "standard deviation before the first convolution", Range{0, 10});
      visit(inner, "inner", "standard deviation before the other convolutions", Range{0, 10});
    }
  } p;

  Tensor input(const Layer& layer, const Tensor& a, Noise& noise) override {
    const double sigma = layer.index == 0 ? p.first : p.inner;
    if (layer.kind != Layer::Kind::kConv || sigma == 0) return a;
    return a + sigma * noise.normal(a.sizes().slice(1));
  }
};
}  // namespace

GAUNTLET_DEFENSE(Rse, "rse", "1.0.0", "white noise in front of every convolution");
