// Rounds inputs to a few levels; the backward path is the identity (BPDA). Athalye et al., 2018,
// https://arxiv.org/abs/1802.00420
#include "gauntlet/plugin.h"

namespace {
using namespace gauntlet;

struct Rounding final : Defense, TransformsInput {
  struct Params {
    int64_t levels = 16;

    void fields(auto&& visit) { visit(levels, "levels", "values a pixel can take", Range{2, 256}); }
  } p;

  Tensor forward(const Tensor& x, Noise&) override {
    return (x * (p.levels - 1)).round() / (p.levels - 1);
  }
  Tensor surrogate(const Tensor& x, Noise&) override { return x; }
};
}  // namespace

GAUNTLET_DEFENSE(Rounding, "rounding", "1.0.0", "for tests: rounding with the identity backwards");
