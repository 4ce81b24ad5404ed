// "Fast" adversarial training: single steps from a random start. Wong et al., 2020,
// https://arxiv.org/abs/2001.03994
#include <cmath>

#include "gauntlet/plugin.h"

namespace {
using namespace gauntlet;

struct FastAdversarialTraining final : Defense, Trains {
  struct Params {
    double step = 1.25, largest_fall = 0.2;

    void fields(auto&& visit) {
      visit(step, "step", "length of the single step, in units of epsilon", Range{0, 100});
      visit(largest_fall, "largest_fall",
            "of the accuracy under PGD-5 from one epoch to the next; beyond it training ends",
            Range{0, 1});
    }
  } p;
  Batch first = {};  // of this epoch

  Tensor loss(Training& training, const Batch& batch) override {
    if (training.epoch() == std::floor(training.epoch())) first = batch;
    const Tensor x = training.attack(pgd(training, 1, p.step), batch, {.training_mode = true});
    return torch::cross_entropy_loss(training.forward(x).logits, batch.y);
  }

  // Catastrophic overfitting: from one epoch to the next the network withstands single steps only.
  bool epoch_end(Training& training) override {
    if (p.largest_fall == 1) return true;  // accuracy cannot fall further
    const Tensor x = training.attack(pgd(training, 5, 0.25), first);
    const Tensor right = training.predict(x).logits.argmax(1).eq(first.y).to(torch::kFloat).mean();
    Tensor& last = training.state("robust_accuracy");
    const bool collapsed =
        last.defined() && last.item<double>() - right.item<double>() > p.largest_fall;
    if (collapsed)
      training.reject_epoch();
    else
      last = right;
    return !collapsed;
  }

  // Starts uniformly in the ball, inside the box. `step` in units of epsilon.
  static Use pgd(Training& training, int64_t steps, double step) {
    const double epsilon = training.threat().epsilon.item<double>();
    return {
        "pgd",
        {{"steps", step > 0 ? steps : int64_t{0}},  // a step_size of 0 would be pgd's own choice
         {"step_size", step * epsilon},
         {"start", "uniform"}}};
  }
};
}  // namespace

GAUNTLET_DEFENSE(FastAdversarialTraining, "fast_adversarial_training", "1.0.1",
                 "training on single steps from a random start");
