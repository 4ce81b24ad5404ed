// Misbehaves before it is there.
#include "gauntlet/plugin.h"

namespace {
using namespace gauntlet;

struct CannotBeMade final : Defense, TransformsInput {
  struct Params {
    void fields(auto&&) {}
  } p;

  CannotBeMade() { throw std::runtime_error("not today"); }
  Tensor forward(const Tensor& x, Noise&) override { return x; }
};
}  // namespace

GAUNTLET_DEFENSE(CannotBeMade, "cannot_be_made", "1.0.0", "for tests: its constructor throws");
