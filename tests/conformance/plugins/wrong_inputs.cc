// Misbehaves with the inputs of a network.
#include <ATen/Context.h>

#include <limits>

#include "gauntlet/plugin.h"

namespace {
using namespace gauntlet;

struct WrongInputs final : Defense, TransformsInput, KnowsNormalisation {
  struct Params {
    std::string how = "not at all";

    void fields(auto&& visit) { visit(how, "how", "what it does wrong"); }
  } p;

  bool is(const char* how) const { return p.how == how; }

  void normalisation(const Tensor&, const Tensor&) override {
    if (is("normalisation throws")) throw std::runtime_error("no mean, no std");
  }
  Tensor forward(const Tensor& x, Noise&) override {
    ++calls_;
    if (is("throws")) throw std::runtime_error("the defense gave up");
    if (is("throws a number")) throw 5;
    if (is("throws later") && calls_ > 20) throw std::runtime_error("the defense gave up later");
    if (is("shape")) return x.slice(0, 0, -1);
    if (is("double")) return x.to(torch::kDouble);
    if (is("NaN")) return x * std::numeric_limits<float>::quiet_NaN();
    if (is("in place")) return Tensor(x.detach()).add_(0.05).clamp_(0, 1);
    if (is("draws")) return x + 0.1 * torch::randn_like(x);
    if (is("counts")) return calls_ < 12 ? x : (x + 0.3).clamp(0, 1);
    if (is("oneDNN off")) at::globalContext().setUserEnabledMkldnn(false);
    return x;
  }

  int calls_ = 0;
};
}  // namespace

GAUNTLET_DEFENSE(WrongInputs, "wrong_inputs", "1.0.0", "for tests: misbehaves with inputs");
