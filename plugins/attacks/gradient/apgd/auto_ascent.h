// One run of Auto-PGD in a ball: steps whose length and, in L1, sparsity follow what they achieve.
#pragma once
#include "gauntlet/plugin.h"

namespace gauntlet::apgd {

/// What a run climbs, and where.
struct Hill {
  Target& target;
  const Task& task;
  Loss loss;
  ThreatModel ball;
  int64_t key;   ///< of the noise that iterates are compared on; key + 1 has the last word
  bool propose;  ///< tells the target of the best so far
};

/// How it climbs.
struct Rules {
  double rho;              ///< share of steps that must rise, or the step size is halved
  bool compat_zero_start;  ///< the first step is compared with a loss of 0, not with the start's
  bool fixed_noise;        ///< gradients are on the draws that iterates are compared on
};

/// Auto-PGD (Croce & Hein, 2020) in Linf and L2, and its sparse form in L1 (Croce & Hein, 2021).
class AutoAscent {
 public:
  AutoAscent(Hill hill, Rules rules) : hill_(std::move(hill)), rules_(rules) {}

  /// The best delta on the way, by the mean loss on noise that all iterates share; `start` lies in
  /// the ball; steps > 0. Asks for as many gradients and a loss; on random defenses for as many
  /// losses and three.
  Tensor run(const Tensor& start, int64_t steps);

 private:
  void look(bool last);
  Tensor step(bool first) const;
  Tensor sparse_direction() const;
  Tensor support(const Tensor& delta) const;
  void review(int64_t window);
  void review_sparsity();
  void back_to_best(const Tensor& which);
  Tensor loss_at(const Tensor& delta, int64_t key) const;

  const Hill hill_;
  const Rules rules_;
  Tensor delta_, before_, gradient_, value_;   // of the iterate; before_: where it came from
  Tensor best_, best_gradient_, best_value_;   // of the best one
  Tensor length_;                              // [N] of a step, in epsilons
  Tensor rises_, halved_, checked_, support_;  // [N] since, at, or as of the last check
};

}  // namespace gauntlet::apgd
