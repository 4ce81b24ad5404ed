// "Free" adversarial training: one backward pass for weights and perturbation. Shafahi et al.,
// 2019, https://arxiv.org/abs/1904.12843
#include "gauntlet/plugin.h"

namespace {
using namespace gauntlet;

struct FreeAdversarialTraining final : Defense, Trains {
  struct Params {
    int64_t replays = 8;
    double step = 1;

    void fields(auto&& visit) {
      visit(replays, "replays", "steps on each batch, of weights and perturbation", Range{1, 1000});
      visit(step, "step", "length of the perturbation's steps, in units of epsilon", Range{0, 100});
    }
  } p;

  // The perturbation belongs to the place in the batch, not to the image: the next batch begins
  // with what this one leaves.
  void step(Training& training, const Batch& batch) override {
    const ThreatModel& threat = training.threat();
    Tensor& kept = training.state("delta");
    if (!kept.defined() || kept.size(0) < batch.x.size(0)) kept = torch::zeros_like(batch.x);
    const int64_t rows = batch.x.size(0);
    Tensor delta = threat.project(batch.x, kept.narrow(0, 0, rows));  // of another image: its box
    for (int64_t replay = 0; replay < p.replays; ++replay) {
      const Tensor leaf = delta.detach().requires_grad_(true);
      const Tensor logits = training.forward(batch.x + leaf).logits;
      const Tensor gradient =
          training.minimise(torch::cross_entropy_loss(logits, batch.y), {leaf}).front();
      delta = threat.project(batch.x, delta + p.step * threat.epsilon * threat.steepest(gradient));
    }
    // A new tensor: rows beyond a smaller batch keep what they had.
    kept = torch::cat({delta, kept.slice(0, rows)}).detach();
  }
};
}  // namespace

GAUNTLET_DEFENSE(FreeAdversarialTraining, "free_adversarial_training", "1.0.0",
                 "one backward pass for weights and perturbation");
