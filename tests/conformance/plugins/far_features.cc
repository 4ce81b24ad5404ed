// A detector that refuses inputs whose inner values lie far from those of validation images.
#include "gauntlet/plugin.h"

namespace {
using namespace gauntlet;

struct FarFeatures final : Defense, ReadsFeatures, Refuses, Fits, SuggestsLoss {
  struct Params {
    std::string feature = "penultimate";
    double threshold = 0, false_positives = 0.05, weight = 1;

    void fields(auto&& visit) {
      visit(feature, "feature", "the value of the network that is looked at");
      visit(threshold, "threshold",
            "squared length of the values beyond which an input is refused; 0: fitted, around the "
            "mean of validation images",
            Range{0, 1e9});
      visit(false_positives, "false_positives", "share of clean inputs that may be refused",
            Range{0, 1});
      visit(weight, "weight", "of the distance in the adaptive loss", Range{0, 1000});
    }
  } p;

  std::vector<std::string> features() const override { return {p.feature}; }

  bool wanted() const override { return p.threshold == 0; }

  Tensor distance(const Outputs& out) const {
    const Tensor values = out.heads.at(p.feature).flatten(1);
    return (wanted() ? values - state.at("mean") : values).square().sum(1);
  }

  void fit(Fitting& fitting) override {
    const Outputs out = fitting.model().pass(fitting.data().x);
    state["mean"] = out.heads.at(p.feature).flatten(1).mean(0, true);
    state["threshold"] = distance(out).quantile(1 - p.false_positives);
  }

  Tensor score(const Tensor&, const Outputs& out, View&) override {
    return distance(out) - (wanted() ? state.at("threshold") : torch::full({}, p.threshold));
  }

  Loss adaptive_loss(Goal goal) override {
    return [goal, this](const Outputs& out, const Rows& rows) {
      return cross_entropy(goal)(out, rows) - p.weight * out.reject.clamp_min(0);
    };
  }
};
}  // namespace

GAUNTLET_DEFENSE(FarFeatures, "far_features", "1.0.0",
                 "refuses inputs whose inner values are far from the usual ones");
