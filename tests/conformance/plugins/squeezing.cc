// Feature squeezing detector: refuses inputs whose answer changes under fewer bits. Xu et al.,
// 2018, https://arxiv.org/abs/1704.01155
#include "gauntlet/plugin.h"

namespace {
using namespace gauntlet;

struct Squeezing final : Defense, Refuses, Fits, SuggestsLoss {
  struct Params {
    int64_t bits = 3;
    double false_positives = 0.05, weight = 1;

    void fields(auto&& visit) {
      visit(bits, "bits", "depth after squeezing", Range{1, 8});
      visit(false_positives, "false_positives", "share of clean inputs that may be refused",
            Range{0, 1});
      visit(weight, "weight", "of the detector in the adaptive loss", Range{0, 1000});
    }
  } p;

  Tensor change(const Tensor& x, const Outputs& out, View& view) const {
    const double levels = std::pow(2, p.bits) - 1;
    const Tensor squeezed =
        x + ((x * levels).round() / levels - x).detach();  // straight-through gradient
    return (out.logits.softmax(1) - view.pass(squeezed).logits.softmax(1)).abs().sum(1);
  }

  void fit(Fitting& fitting) override {
    const Tensor x = fitting.data().x;
    state["threshold"] =
        change(x, fitting.model().pass(x), fitting.model()).quantile(1 - p.false_positives);
  }

  Tensor score(const Tensor& x, const Outputs& out, View& view) override {
    return change(x, out, view) - state.at("threshold");
  }

  Loss adaptive_loss(Goal goal) override {
    return [goal, weight = p.weight](const Outputs& out, const Rows& rows) {
      return cross_entropy(goal)(out, rows) - weight * out.reject.clamp_min(0);
    };
  }
};
}  // namespace

GAUNTLET_DEFENSE(Squeezing, "squeezing", "1.0.0",
                 "refuses inputs that bit depth reduction changes");
