// What a threat allows, and what is wrong with inputs outside of it: said once, for attacks, the
// judge, training and bundles.
#pragma once
#include <string>

#include "gauntlet/threat.h"
#include "results/threat.h"
#include "suite/suite.h"

namespace gauntlet::evaluation {

/// The threat of a suite as records name it.
results::Threat threat_of(const suite::ThreatSpec& spec);
/// What may become of every input, inside the box [0, 1].
ThreatModel threat_model(Norm norm, double epsilon, const torch::TensorOptions& options = {});

/// How far outside a ball a perturbation may lie through rounding: 1e-6 + 1e-5 epsilon.
Tensor ball_tolerance(const Tensor& epsilon);
/// What is wrong with candidates for x in this threat model, with count and worst value; empty if
/// nothing is. used: [N] bool, rows that count.
std::string bounds_problem(const ThreatModel& threat, const Tensor& x, const Tensor& candidate,
                           const Tensor& used);

}  // namespace gauntlet::evaluation
