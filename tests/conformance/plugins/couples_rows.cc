// Noise whose size depends on all rows of the batch, as in PNI on activations. He et al., 2019,
// https://arxiv.org/abs/1811.09310
#include "gauntlet/plugin.h"

namespace {
using namespace gauntlet;

struct CouplesRows final : Defense, PerturbsLayers {
  struct Params {
    double strength = 0.1;
    bool admits = true;

    void fields(auto&& visit) {
      visit(strength, "strength", "of the noise, in spreads of the batch", Range{0, 10});
      visit(admits, "admits", "whether it says so, or leaves it to the host to find out");
    }
  } p;

  Tensor input(const Layer&, const Tensor& a, Noise& noise) override {
    return a + p.strength * a.detach().std() * noise.normal(a.sizes().slice(1));
  }
  bool couples_rows() const override { return p.admits; }
};
}  // namespace

GAUNTLET_DEFENSE(CouplesRows, "couples_rows", "1.0.0", "for tests: noise that couples rows");
