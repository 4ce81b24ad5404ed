// TRADES: clean loss plus the divergence that an inner attack finds. Zhang et al., 2019,
// https://arxiv.org/abs/1901.08573
#include "gauntlet/plugin.h"

namespace {
using namespace gauntlet;

struct Trades final : Defense, Trains {
  struct Params {
    double beta = 6;
    bool share_forward = true, redraw = true;
    Use attack = {"pgd", {{"steps", 10}, {"start", "gaussian"}}};

    void fields(auto&& visit) {
      visit(beta, "beta", "weight of the divergence (1 / lambda)", Range{0, 100});
      visit(share_forward, "share_forward",
            "one clean forward serves both terms; with layer noise two see different draws");
      visit(redraw, "redraw",
            "layer noise: the clean answer is drawn anew in each query of the attack");
      visit(attack, "attack", "what maximises the divergence");
    }
  } p;

  Tensor loss(Training& training, const Batch& batch) override {
    if (p.beta == 0) return torch::cross_entropy_loss(training.forward(batch.x).logits, batch.y);
    const Tensor adversarial =
        training.attack(p.attack, batch, {.loss = from_clean(training, batch.x)});
    const Tensor natural = training.forward(batch.x).logits;
    const Tensor anchor = p.share_forward ? natural : training.forward(batch.x).logits;
    const Tensor moved = training.forward(adversarial).logits;
    return torch::cross_entropy_loss(natural, batch.y) +
           p.beta * kl_divergence(anchor.softmax(1), moved).mean();
  }

  // Without noise there is one clean answer, computed once.
  Loss from_clean(Training& training, const Tensor& x) const {
    const auto answer = [&training, x] { return training.predict(x).logits.softmax(1); };
    if (p.redraw && training.stochastic())
      return [answer](const Outputs& out, const Rows& rows) {
        return kl_divergence(rows.of(answer()), out.logits);
      };
    return [clean = answer()](const Outputs& out, const Rows& rows) {
      return kl_divergence(rows.of(clean), out.logits);
    };
  }
};
}  // namespace

GAUNTLET_DEFENSE(Trades, "trades", "1.2.0", "accuracy traded against divergence");
