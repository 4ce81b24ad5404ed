// Whether an input lies inside box and ball: said once, for attacks, the judge and bundles.
#pragma once
#include <string>

#include "gauntlet/threat.h"

namespace gauntlet::evaluation {

/// How far outside a ball a perturbation may lie through rounding: 1e-6 + 1e-5 epsilon.
Tensor ball_tolerance(const Tensor& epsilon);
/// [R] bool: finite, inside box and ball up to the tolerance.
Tensor inside(const ThreatModel& threat, const Tensor& x, const Tensor& candidate);
/// What is wrong with candidates for x in this threat model, with count and worst value; empty if
/// nothing is. used: [N] bool, rows that count.
std::string bounds_problem(const ThreatModel& threat, const Tensor& x, const Tensor& candidate,
                           const Tensor& used);

}  // namespace gauntlet::evaluation
