// Parametric noise injection into weights (PNI-W) and activations (PNI-I, PNI-A-a, PNI-A-b). He et
// al., 2019, https://arxiv.org/abs/1811.09310
#include <algorithm>

#include "gauntlet/plugin.h"

namespace {
using namespace gauntlet;

struct Pni final : Defense, PerturbsLayers {
  struct Params {
    std::vector<std::string> where = {"weight"};
    std::string alpha = "layer";
    double initial = 0.25;
    bool weight_decay = false;

    void fields(auto&& visit) {
      visit(where, "where",
            "weights; the network's input; each layer's input; its output, before batch norm",
            OneOf{"weight", "network_input", "input", "output"});
      visit(alpha, "alpha", "what shares one learned strength",
            OneOf{"layer", "channel", "element"});
      visit(initial, "initial", "strength before training", Range{0, 10});
      visit(weight_decay, "weight_decay", "the strengths are decayed as weights are");
    }
  } p;

  bool has(const char* place) const { return std::count(p.where.begin(), p.where.end(), place); }

  void declare(const Layer& layer, Parameters& parameters) override {
    const auto add = [&](const char* name, std::vector<int64_t> shape) {
      // [out, in, ...], [C, H, W] or [features]; dimensions that share become 1
      if (p.alpha != "element") std::fill(shape.begin() + (p.alpha == "channel"), shape.end(), 1);
      parameters.add(name, torch::full(shape, p.initial), p.weight_decay);
    };
    if (has("weight")) add("alpha", layer.weight_shape);
    if (has("network_input") && layer.index == 0) add("alpha_network", layer.input);
    if (has("input")) add("alpha_input", layer.input);
    if (has("output")) add("alpha_output", layer.output);
  }

  // Only alpha learns from the noise: neither the draw nor the spread carries a gradient.
  static Tensor noisy(const Tensor& a, const Layer& layer, const char* alpha, const Tensor& draw) {
    return a + layer.learned.at(alpha) * a.detach().std() * draw;
  }

  Tensor weight(const Layer& layer, const Tensor& w, Noise& noise) override {
    return has("weight") ? noisy(w, layer, "alpha", noise.shared_normal(w.sizes())) : w;
  }

  Tensor input(const Layer& layer, const Tensor& a, Noise& noise) override {
    Tensor out = a;
    const auto draw = [&] { return noise.normal(a.sizes().slice(1)); };
    if (has("network_input") && layer.index == 0) out = noisy(out, layer, "alpha_network", draw());
    if (has("input")) out = noisy(out, layer, "alpha_input", draw());
    return out;
  }

  Tensor output(const Layer& layer, const Tensor& a, Noise& noise) override {
    if (!has("output")) return a;
    return noisy(a, layer, "alpha_output", noise.normal(a.sizes().slice(1)));
  }

  // The spread of activations is taken over the whole batch.
  bool couples_rows() const override {
    return has("network_input") || has("input") || has("output");
  }
};
}  // namespace

GAUNTLET_DEFENSE(Pni, "pni", "1.1.0", "learned white noise on weights or activations");
