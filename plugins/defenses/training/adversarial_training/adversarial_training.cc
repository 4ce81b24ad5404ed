// Adversarial training, pure or mixed with clean inputs. Madry et al., 2018,
// https://arxiv.org/abs/1706.06083
#include "gauntlet/plugin.h"

namespace {
using namespace gauntlet;

struct AdversarialTraining final : Defense, Trains {
  struct Params {
    double weight = 1;
    int64_t clean_epochs = 0;
    std::string label = "truth";
    Use attack = {"pgd", {{"steps", 7}}};

    void fields(auto&& visit) {
      visit(weight, "weight", "of the adversarial loss; the clean loss gets the rest", Range{0, 1});
      visit(clean_epochs, "clean_epochs", "standard training before the adversarial loss begins",
            Range{0, 10'000});
      visit(label, "label", "what the attack leads away from: the true class or the predicted one",
            OneOf{"truth", "prediction"});
      visit(attack, "attack", "the inner attack");
    }
  } p;

  Tensor loss(Training& training, const Batch& batch) override {
    const auto term = [&](const Tensor& x) {
      return torch::cross_entropy_loss(training.forward(x).logits, batch.y);
    };
    if (p.weight == 0 || training.epoch() < double(p.clean_epochs)) return term(batch.x);
    Batch attacked = batch;
    if (p.label == "prediction") attacked.y = training.predict(batch.x).logits.argmax(1);
    const Tensor adversarial = training.attack(p.attack, attacked);
    if (p.weight == 1) return term(adversarial);
    const Tensor clean =
        term(batch.x);  // each kind has a forward, and batch statistics, of its own
    return (1 - p.weight) * clean + p.weight * term(adversarial);
  }
};
}  // namespace

GAUNTLET_DEFENSE(AdversarialTraining, "adversarial_training", "1.2.0",
                 "training on the inputs an attack finds");
