// An architecture that the host has not: two convolutions side by side, of unlike activations.
#include "gauntlet/plugin.h"

namespace {
using namespace gauntlet;

struct TwoTowers final : Defense, BuildsNetwork {
  struct Params {
    int64_t width = 4;
    void fields(auto&& visit) { visit(width, "width", "channels of a tower", Range{1, 64}); }
  } p;

  void build(NetworkBuilder& b) override {
    const auto tower = [&](const std::string& name, int64_t kernel) {
      const int conv =
          b.conv(b.input(), name + ".conv",
                 {.out = p.width, .kernel = kernel, .stride = 2, .padding = kernel / 2});
      return b.batch_norm(conv, name + ".bn");
    };
    const int narrow = b.relu(tower("narrow", 3)), wide = b.leaky_relu(tower("wide", 5), 0.1);
    b.linear(b.flatten(b.concat(narrow, wide)), "fc", b.classes());
  }
};
}  // namespace

GAUNTLET_DEFENSE(TwoTowers, "two_towers", "1.0.0", "two convolutions side by side");
