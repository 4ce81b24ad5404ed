// Several models as one target. Liu et al., 2017, https://arxiv.org/abs/1611.02770
#pragma once
#include "gauntlet/plugin.h"

namespace gauntlet::transfer {

/// The mean of the members' probabilities, or of their logits. Members count their own passes. A
/// query refused by one of them is refused.
class Ensemble final : public Target {
 public:
  /// Keeps the members and the task.
  Ensemble(std::vector<Target*> members, const Task& task, Average average)
      : members_(std::move(members)), task_(task), average_(average) {}

  TargetFacts facts() const override;
  int64_t mc_samples() const override;
  Tensor decisions(const Tensor& x, const Query& query) override;
  Outputs scores(const Tensor& x, const Query& query) override;
  Tensor losses(const Tensor& x, const Loss& loss, const Query& query) override;
  /// Exact, by two passes: the members' outputs, and the gradient of what the joint loss pulls on
  /// each of them. Average::kLoss is of single members: over several draws it is their mean logits.
  std::vector<Gradient> gradients(const Tensor& x, const std::vector<Loss>& losses,
                                  const Query& query) override;
  void propose(const Tensor&) override {}  // sources decide nothing
  Tensor active() const override { return members_.front()->active(); }
  Tensor budget_left() const override { return members_.front()->budget_left(); }

 private:
  Outputs joint(const std::vector<Outputs>& members) const;
  std::vector<Gradient> one_row_a_sample(const Tensor& x, const std::vector<Loss>& losses,
                                         Query query);

  const std::vector<Target*> members_;
  const Task& task_;
  const Average average_;
  int64_t calls_ = 0;
};

}  // namespace gauntlet::transfer
