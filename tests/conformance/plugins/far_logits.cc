// A detector that refuses inputs whose logits lie far from those of one typical image of their
// class. It says itself how to attack it: by matching the logits of another class's image.
#include <limits>

#include "gauntlet/plugin.h"

namespace {
using namespace gauntlet;

struct FarLogits final : Defense, Refuses, Fits, SuggestsLoss {
  struct Params {
    double false_positives = 0.05;

    void fields(auto&& visit) {
      visit(false_positives, "false_positives", "share of clean inputs that may be refused",
            Range{0, 1});
    }
  } p;

  // [R], squared, to the typical image of the class that is answered.
  Tensor distance(const Tensor& logits) const {
    return (logits - state.at("logits").index_select(0, logits.argmax(1))).square().sum(1);
  }

  void fit(Fitting& fitting) override {
    const Tensor x = fitting.data().x, logits = fitting.model().pass(x).logits;
    const Tensor typical = logits.argmax(0);  // [K], of each class the image with the largest logit
    state["images"] = x.index_select(0, typical);
    state["logits"] = logits.index_select(0, typical);
    state["threshold"] = distance(logits).quantile(1 - p.false_positives);
  }

  Tensor score(const Tensor&, const Outputs& out, View&) override {
    return distance(out.logits) - state.at("threshold");
  }

  // Minus the squared distance to what the model as it is attacked says of the image of the class
  // that is wanted: the best wrong one where nobody says which.
  Loss adaptive_loss(Goal goal, View& view) override {
    return [goal, &view, images = state.at("images")](const Outputs& out, const Rows& rows) {
      const Tensor others = out.logits.detach().scatter(1, rows.y.unsqueeze(1),
                                                        -std::numeric_limits<float>::infinity());
      const Tensor wanted = goal == Goal::kTargeted       ? rows.target
                            : goal == Goal::kHypocritical ? rows.y
                                                          : others.argmax(1);
      const Tensor typical = view.pass(images).logits.index_select(0, wanted);
      return -(out.logits - typical).square().sum(1);
    };
  }
};
}  // namespace

GAUNTLET_DEFENSE(FarLogits, "far_logits", "1.0.0",
                 "refuses inputs whose logits are far from the usual ones");
