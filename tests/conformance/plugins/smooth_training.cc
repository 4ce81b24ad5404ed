// SmoothAdv training: the attack and the update see the same noise. Salman et al., 2019,
// https://arxiv.org/abs/1906.04584. For tests: the recipe's stack or layers draw the noise.
#include "gauntlet/plugin.h"

namespace {
using namespace gauntlet;

struct SmoothTraining final : Defense, Trains {
  struct Params {
    int64_t draws = 2;
    Use attack = {"pgd", {{"steps", 3}, {"start", "input"}}};

    void fields(auto&& visit) {
      visit(draws, "draws", "noise vectors of each image", Range{1, 1000});
      visit(attack, "attack", "the inner attack");
    }
  } p;

  Tensor loss(Training& training, const Batch& batch) override {
    Use attack = p.attack;
    attack.with["draws"] = p.draws, attack.with["average"] = "probability";
    Pass pass{.noise = Draw::kFixed};
    const Tensor x = training.attack(attack, batch, {.pass = pass});
    Tensor sum = torch::zeros({});
    for (pass.draw = 0; pass.draw < p.draws; ++pass.draw)
      sum = sum + torch::cross_entropy_loss(training.forward(x, pass).logits, batch.y);
    return sum / double(p.draws);
  }
};
}  // namespace

GAUNTLET_DEFENSE(SmoothTraining, "smooth_training", "1.0.0",
                 "training on the noise that its attack saw");
