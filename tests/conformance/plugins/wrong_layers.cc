// Misbehaves in the layers of a network.
#include <limits>

#include "gauntlet/plugin.h"

namespace {
using namespace gauntlet;

struct WrongLayers final : Defense, PerturbsLayers {
  struct Params {
    std::string how = "not at all";

    void fields(auto&& visit) { visit(how, "how", "what it does wrong"); }
  } p;

  bool is(const char* how) const { return p.how == how; }

  void declare(const Layer&, Parameters&) override {
    if (is("declare throws")) throw std::runtime_error("nothing to declare");
  }
  bool couples_rows() const override {
    if (is("coupling throws")) throw 5;
    return false;
  }
  Tensor weight(const Layer& layer, const Tensor& w, Noise&) override {
    if (is("writes weights")) Tensor(w.detach()).mul_(0.9);
    if (is("writes weights once") && layer.index == 0 && calls_++ == 0) Tensor(w.detach()).neg_();
    if (is("writes weights unseen") && calls_++ == 40) w.detach().mutable_data_ptr<float>()[0] = 9;
    if (is("weight's shape")) return w.slice(0, 0, 1);
    if (is("weight is NaN")) return w * std::numeric_limits<float>::quiet_NaN();
    if (is("weight throws")) throw std::runtime_error("the layer gave up");
    if (is("draws")) return w + 0.02 * torch::randn_like(w);
    return w;
  }
  Tensor input(const Layer&, const Tensor& a, Noise& noise) override {
    if (is("writes activations")) Tensor(a.detach()).add_(0.1);
    if (is("input's shape")) return a.slice(0, 0, 1);
    if (is("writes noise keys")) noise.key.id.zero_();
    return a;
  }
  Tensor output(const Layer&, const Tensor& a, Noise&) override {
    return is("no output") ? Tensor() : a;
  }

  Tensor penalty(const Layer& layer) override {
    return is("penalty's shape") ? layer.weight.square() : Tensor();
  }

  int calls_ = 0;
};
}  // namespace

GAUNTLET_DEFENSE(WrongLayers, "wrong_layers", "1.0.0", "for tests: misbehaves in layers");
