// A denoiser that is trained with the network: a convolution whose result is added to the image.
#include "gauntlet/plugin.h"

namespace {
using namespace gauntlet;

struct Denoiser final : Defense, TransformsInput, Learns {
  struct Params {
    int64_t size = 3;
    void fields(auto&& visit) {
      visit(size, "size", "side of the kernel in pixels, of which an odd number is used",
            Range{1, 7});
    }
  } p;

  // It begins as the identity.
  void declare(const Wrapped& of, Parameters& parameters) override {
    const int64_t channels = of.image.at(0), side = p.size / 2 * 2 + 1;
    parameters.add("kernel", torch::zeros({channels, channels, side, side}));
  }

  Tensor forward(const Tensor& x, Noise&) override {
    return x + torch::conv2d(x, learned.at("kernel"), {}, 1, p.size / 2);
  }
};
}  // namespace

GAUNTLET_DEFENSE(Denoiser, "denoiser", "1.0.0", "adds a learned convolution to the image");
