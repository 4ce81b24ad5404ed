// Figures of a cell that its outcomes hold and no accuracy says.
#pragma once
#include <optional>

#include "results/record.h"

namespace gauntlet::analysis {

/// How well the row's detector tells attacked inputs from clean ones, by its scores. The clean
/// inputs are all of the cell's, so that those it refuses count; the attacked ones are those that
/// the attack changed at all. Of a record whose outcomes are complete; none where it has no scores,
/// or the attack changed nothing.
///
/// The area under the ROC curve is the chance that an attacked input has the higher score of two,
/// where equal scores count one half. A rate of false positives fixes a threshold: the least score
/// of a clean input above which at most that share of them lies. An input is detected whose score
/// lies above it, not on it. What is not finite counts as the largest or the least score.
std::optional<results::DetectorFigures> detector_figures(const results::CellRecord& record);

/// Hypocritical risk (Tao et al., AAAI 2022): the share of the images
/// that are answered wrong or refused without an attack and that the attack turns right. Of a
/// random defense, images that are wrong in most trials, each with its share of right trials. None
/// where the goal is another, or no image is wrong.
std::optional<results::HypocriticalRisk> hypocritical_risk(const results::CellRecord& record);

}  // namespace gauntlet::analysis
