// Clean accuracy near chance: finds out why.
#pragma once
#include <string>
#include <vector>

#include "data/dataset.h"
#include "evaluation/defended_model.h"
#include "results/finding.h"

namespace gauntlet::audit {

/// Whether a share of right answers among so many classes is no better than guessing, as when
/// labels or pixels are not what the model was trained on. Never of fewer than 10 samples.
bool near_chance(double accuracy, int64_t classes, int64_t samples);

/// Why the model may answer like that: a finding without accuracy and chance. The bare network is
/// asked again on the first of the samples with channels, pixels, normalisation or labels changed;
/// what makes it right most often is named, or else what to look at.
results::Finding likely_cause(evaluation::DefendedModel& model, const data::Dataset& data,
                              const std::vector<int64_t>& indices, at::Device device);

/// The finding of a cell: "clean accuracy of 9.0 % is near chance (10.0 %): …".
results::Finding near_chance_finding(double accuracy, int64_t classes, results::Finding cause);

}  // namespace gauntlet::audit
