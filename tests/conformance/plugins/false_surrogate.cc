// A defense that changes nothing, with a backward path that shows attacks the negative image: what
// wins there rarely wins against the defense itself.
#include "gauntlet/plugin.h"

namespace {
using namespace gauntlet;

struct FalseSurrogate final : Defense, TransformsInput {
  struct Params {
    void fields(auto&&) {}
  } p;

  Tensor forward(const Tensor& x, Noise&) override { return x; }
  Tensor surrogate(const Tensor& x, Noise&) override { return 1 - x; }
};
}  // namespace

GAUNTLET_DEFENSE(FalseSurrogate, "false_surrogate", "1.0.0",
                 "for tests: gradients of another function than the forward");
