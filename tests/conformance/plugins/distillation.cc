// Knowledge distillation. Hinton et al., 2015, https://arxiv.org/abs/1503.02531
#include "gauntlet/losses.h"
#include "gauntlet/plugin.h"

namespace {
using namespace gauntlet;

struct Distillation final : Defense, Trains {
  struct Params {
    ModelRef teacher;
    double temperature = 2, weight = 0.5;
    void fields(auto&& visit) {
      visit(teacher, "teacher", "the registry model whose answers are soft labels");
      visit(temperature, "temperature", "that divides the logits of both", Range{0.01, 1000});
      visit(weight, "weight", "of the soft labels; the rest is of the true ones", Range{0, 1});
    }
  } p;

  Tensor loss(Training& training, const Batch& batch) override {
    const double t = p.temperature;
    const Tensor soft = (training.source(p.teacher).pass(batch.x).logits / t).softmax(1),
                 logits = training.forward(batch.x).logits;
    // Gradients of soft labels are of order 1 / t^2.
    return p.weight * t * t * soft_cross_entropy(soft, logits / t).mean() +
           (1 - p.weight) * torch::cross_entropy_loss(logits, batch.y);
  }
};
}  // namespace

GAUNTLET_DEFENSE(Distillation, "distillation", "1.0.0", "learns from the answers of a teacher");
