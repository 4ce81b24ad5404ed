// MART: misclassified examples count more. Wang et al., 2020,
// https://openreview.net/forum?id=rklOg6EFwS
#include "gauntlet/plugin.h"

namespace {
using namespace gauntlet;

struct Mart final : Defense, Trains {
  struct Params {
    double beta = 5, margin = 1;
    Use attack = {"pgd", {{"steps", 10}, {"start", "gaussian"}}};

    void fields(auto&& visit) {
      visit(beta, "beta", "weight of the divergence", Range{0, 100});
      visit(margin, "margin", "weight of the term against the best wrong class", Range{0, 100});
      visit(attack, "attack", "the inner attack");
    }
  } p;

  Tensor loss(Training& training, const Batch& batch) override {
    const Tensor x = training.attack(p.attack, batch);
    const Tensor clean = p.beta == 0 ? Tensor() : training.forward(batch.x).logits;
    const Tensor found = training.forward(x).logits;
    Tensor loss = torch::cross_entropy_loss(found, batch.y);
    if (p.margin != 0) loss = loss + p.margin * against_best_wrong(found, batch.y);
    if (p.beta != 0) loss = loss + p.beta * weighted_divergence(clean, found, batch.y);
    return loss;
  }

  // With the cross-entropy it is the paper's BCE.
  static Tensor against_best_wrong(const Tensor& logits, const Tensor& y) {
    const Tensor others = logits.softmax(1).scatter(1, y.unsqueeze(1), -1);
    return -(1.0001 - std::get<0>(others.max(1)) + 1e-12).log().mean();
  }

  // KL(p || q) of each sample, p clean and q attacked, the more the less sure the clean answer is.
  // Gradients flow through p, q and the weight.
  static Tensor weighted_divergence(const Tensor& clean, const Tensor& found, const Tensor& y) {
    const Tensor log_p = clean.log_softmax(1), probability = log_p.exp();
    const Tensor log_q = (found.softmax(1) + 1e-12).log();
    const Tensor divergence = (probability * (log_p - log_q)).sum(1);
    const Tensor doubt = 1.0000001 - probability.gather(1, y.unsqueeze(1)).squeeze(1);
    return (doubt * divergence).mean();
  }
};
}  // namespace

GAUNTLET_DEFENSE(Mart, "mart", "1.1.0", "adversarial training that weighs by misclassification");
