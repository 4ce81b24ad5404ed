// The k largest values of each activation win, the others are 0. Xiao et al., 2020,
// https://arxiv.org/abs/1905.10510
#include "gauntlet/plugin.h"

namespace {
using namespace gauntlet;

struct Winners final : Defense, PerturbsLayers {
  struct Params {
    double gamma = 0.5;
    void fields(auto&& visit) {
      visit(gamma, "gamma", "share of the values that win", Range{0.001, 1});
    }
  } p;

  Tensor activation(const Activation&, const Tensor& a, Noise&) override {
    const Tensor rows = a.flatten(1);
    const int64_t k = std::max<int64_t>(1, int64_t(p.gamma * double(rows.size(1))));
    const Tensor least = std::get<0>(rows.detach().topk(k, 1)).select(1, k - 1).unsqueeze(1);
    return rows.masked_fill(rows.detach() < least, 0).view(a.sizes());
  }
};
}  // namespace

GAUNTLET_DEFENSE(Winners, "winners", "1.0.0", "k winners take all, in the place of activations");
