// A defense that changes the input and cheats as it is told to.
#include <cmath>

#include "gauntlet/plugin.h"

namespace {
using namespace gauntlet;

struct CheatingInputs final : Defense, TransformsInput {
  struct Params {
    std::string how = "nothing";

    void fields(auto&& visit) {
      visit(how, "how", "what it does wrong",
            OneOf{"nothing", "quantised", "staircase_ripple", "wrong_gradient"});
    }
  } p;

  bool is(const char* how) const { return p.how == how; }

  static Tensor rounded(const Tensor& x, double levels) {
    return (x * (levels - 1)).round() / (levels - 1);
  }

  Tensor forward(const Tensor& x, Noise&) override {
    // quantised: pixels take 8 values, and no stand-in is given, so every gradient is exactly 0.
    // Rounding barely hinders an attack that sees past it: the truth is near 0 % robust.
    if (is("quantised")) return rounded(x, 8);
    // staircase_ripple: as quantised, with a small fast wave on the stairs. Gradients are finite
    // and not 0 but tell of the wave alone; the truth is near 0 % robust.
    if (is("staircase_ripple")) return rounded(x, 8) + 0.002 * (2 * M_PI * 50 * x).sin();
    return x;
  }

  // wrong_gradient: the input passes unchanged, but the stand-in for the backward pass is the image
  // moved by 9 pixels. The defense does nothing: the truth is that of the bare network.
  Tensor surrogate(const Tensor& x, Noise& noise) override {
    return is("wrong_gradient") ? x.roll({9, 9}, {2, 3}) : forward(x, noise);
  }
};
}  // namespace

GAUNTLET_DEFENSE(CheatingInputs, "cheating_inputs", "1.0.0",
                 "for tests: a change of the input that cheats");
