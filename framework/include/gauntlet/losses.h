/// @file
/// The losses attacks maximise. Each is for any goal; rows need not be in any order.
#pragma once
#include "gauntlet/types.h"

namespace gauntlet {

/// Cross-entropy of the true class (untargeted), or its negative for the wanted class.
GAUNTLET_API Loss cross_entropy(Goal goal);

/// Untargeted: max over other classes of z_j - z_y. Targeted: z_t - max over others. Positive
/// exactly where the goal is reached and the row is not refused.
GAUNTLET_API Loss margin(Goal goal);

/// Difference of logits ratio (Croce & Hein, 2020, https://arxiv.org/abs/2003.01690). Needs at
/// least 3 classes, 4 if targeted; throws std::invalid_argument with fewer.
GAUNTLET_API Loss dlr(Goal goal);

/// KL(p || softmax(logits)), one number a row: [R, K], [R, K] -> [R]. Differentiable in both.
GAUNTLET_API Tensor kl_divergence(const Tensor& p, const Tensor& logits);

/// Cross-entropy of soft labels, -sum_k p_k log softmax(logits)_k, one number a row: [R, K], [R, K]
/// -> [R]. Differentiable in both.
GAUNTLET_API Tensor soft_cross_entropy(const Tensor& p, const Tensor& logits);

}  // namespace gauntlet
