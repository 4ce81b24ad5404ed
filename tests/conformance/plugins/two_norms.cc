// Clean and adversarial inputs, each through batch norms of its own. Xie et al., 2020,
// https://arxiv.org/abs/1911.09665 (AdvProp). For tests: a network without a second branch takes
// both through the first.
#include "gauntlet/plugin.h"

namespace {
using namespace gauntlet;

struct TwoNorms final : Defense, Trains {
  struct Params {
    Use attack = {"pgd", {{"steps", 3}}};

    void fields(auto&& visit) { visit(attack, "attack", "the inner attack"); }
  } p;

  Tensor loss(Training& training, const Batch& batch) override {
    const Pass clean, adversarial{.branch = training.batch_norm_branches() > 1 ? 1 : 0};
    const Tensor x = training.attack(p.attack, batch, {.pass = adversarial});
    const auto term = [&](const Tensor& inputs, const Pass& pass) {
      return torch::cross_entropy_loss(training.forward(inputs, pass).logits, batch.y);
    };
    return term(batch.x, clean) + term(x, adversarial);
  }
};
}  // namespace

GAUNTLET_DEFENSE(TwoNorms, "two_norms", "1.0.0",
                 "training with batch norms for adversarial inputs");
