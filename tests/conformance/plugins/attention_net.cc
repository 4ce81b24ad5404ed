// An architecture of what the host's own have not: attention, group norm, smooth activations, a
// median filter, and an operation of its own that differentiates inside.
#include <cmath>

#include "gauntlet/plugin.h"

namespace {
using namespace gauntlet;

// Channels in proportion to how much they move a linear probe's best score: the inner gradient of
// CIFS, Yan et al., 2021, https://arxiv.org/abs/2102.05311
Tensor weighted_channels(const std::vector<Tensor>& values,
                         const NetworkBuilder::Custom::Tensors& parameters) {
  const Tensor& features = values[0];
  const bool whole = features.requires_grad();  // somebody asks for the gradient of all of it
  const Tensor leaf = whole ? features : features.detach().requires_grad_(true);
  const Tensor scores = torch::linear(leaf.mean({2, 3}), parameters.at("probe"));
  const Tensor slope = torch::autograd::grad({scores.amax(1).sum()}, {leaf}, {}, true, whole)[0];
  return features * slope.mean({2, 3}, true).mul(double(features[0][0].numel())).sigmoid();
}

struct AttentionNet final : Defense, BuildsNetwork {
  struct Params {
    int64_t width = 8;
    void fields(auto&& visit) { visit(width, "width", "channels", Range{2, 64}); }
  } p;

  void build(NetworkBuilder& b) override {
    const int stem = b.conv(b.input(), "stem", {.out = p.width, .stride = 2, .padding = 1});
    int v = b.smooth(b.group_norm(stem, "norm", 2), NetworkBuilder::Smooth::kSilu);
    const std::vector<int64_t> image = b.shape(v);
    const int rows = b.reshape(v, {p.width, image[1] * image[2]});
    const int weights =
        b.softmax(b.scale(b.matmul(rows, b.transpose(rows)), 1 / std::sqrt(double(p.width))));
    v = b.add(v, b.reshape(b.matmul(weights, rows), image));
    v = b.add(v, b.median_filter(v, 3));
    b.feature(v, "attended");
    Tensor probe = torch::zeros({b.classes(), p.width});
    for (int64_t k = 0; k < b.classes(); ++k) probe[k][k % p.width] = 1;
    v = b.custom({v}, "select",
                 {.shape = image, .parameters = {{"probe", probe}}, .function = weighted_channels});
    b.linear(b.flatten(v), "fc", b.classes());
  }
};
}  // namespace

GAUNTLET_DEFENSE(AttentionNet, "attention_net", "1.0.0", "attention over channels");
