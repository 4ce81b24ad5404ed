// Questions that are asked of a defense to learn whether its numbers can be believed. Sources:
// Carlini et al., 2019, https://arxiv.org/abs/1902.06705; Athalye et al., 2018,
// https://arxiv.org/abs/1802.00420; Pintor et al., 2022, https://arxiv.org/abs/2106.09947.
#pragma once
#include <vector>

#include "audit/probe_job.h"
#include "evaluation/laboratory.h"
#include "results/check.h"

namespace gauntlet::audit {

/// One check a code, those that passed too, in the order of check_words.cc; none of what does not
/// apply (votes, noise). What a plugin does wrong on the way fails the check that asked, with the
/// reason as a figure. Throws evaluation::Interrupted, and BadInput of a row that cannot be loaded.
std::vector<results::Check> probe(const ProbeJob& job, evaluation::Laboratory& laboratory);

/// Passes of the network, over all samples.
struct ProbeCost {
  double forwards = 0, gradients = 0;
};
/// At most so many, known before anything runs.
ProbeCost probing_cost(const suite::DefenseSpec& defense,
                       const std::vector<suite::AttackSpec>& attacks, int64_t samples);

}  // namespace gauntlet::audit
