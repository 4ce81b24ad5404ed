// A target for attacks that another one runs in turn.
#pragma once
#include "gauntlet/target.h"

namespace gauntlet {

/// The target without a way to propose: what an inner attack has found so far may be worse than
/// what an earlier one gave.
class Unproposed final : public Target {
 public:
  explicit Unproposed(Target& target) : target_(target) {}
  TargetFacts facts() const override { return target_.facts(); }
  int64_t mc_samples() const override { return target_.mc_samples(); }
  Tensor decisions(const Tensor& x, const Query& q) override { return target_.decisions(x, q); }
  Outputs scores(const Tensor& x, const Query& q) override { return target_.scores(x, q); }
  Tensor losses(const Tensor& x, const Loss& loss, const Query& q) override {
    return target_.losses(x, loss, q);
  }
  std::vector<Gradient> gradients(const Tensor& x, const std::vector<Loss>& losses,
                                  const Query& q) override {
    return target_.gradients(x, losses, q);
  }
  void propose(const Tensor&) override {}
  Tensor active() const override { return target_.active(); }
  Tensor budget_left() const override { return target_.budget_left(); }

 private:
  Target& target_;
};

}  // namespace gauntlet
