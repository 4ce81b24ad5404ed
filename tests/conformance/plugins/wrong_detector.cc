// A detector that is fitted and misbehaves.
#include <limits>

#include "gauntlet/plugin.h"

namespace {
using namespace gauntlet;

struct WrongDetector final : Defense, Refuses, Fits {
  struct Params {
    std::string how = "not at all";

    void fields(auto&& visit) { visit(how, "how", "what it does wrong"); }
  } p;

  bool is(const char* how) const { return p.how == how; }
  bool wanted() const override { return p.how.starts_with("fit"); }

  void fit(Fitting& fitting) override {
    if (is("fit throws")) throw std::runtime_error("cannot be fitted");
    if (is("fit is NaN"))
      state["threshold"] = torch::full({}, std::numeric_limits<float>::quiet_NaN());
    if (is("fit leaves nothing")) state["threshold"] = Tensor();
    if (is("fit writes data")) fitting.data().x.zero_();
  }
  Tensor score(const Tensor& x, const Outputs& out, View& view) override {
    if (is("shape")) return torch::ones({3});
    if (is("NaN")) return torch::full({x.size(0)}, std::numeric_limits<float>::quiet_NaN());
    if (is("writes logits")) Tensor(out.logits.detach()).neg_();
    if (is("asks much")) view.ballots(x, int64_t{1} << 40);
    return -torch::ones({x.size(0)});
  }
};
}  // namespace

GAUNTLET_DEFENSE(WrongDetector, "wrong_detector", "1.0.0", "for tests: a detector that misbehaves");
