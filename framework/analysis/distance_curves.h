// Accuracy over every epsilon, from the distances that one run of a minimal-norm attack found.
#pragma once
#include <optional>
#include <vector>

#include "results/record.h"

namespace gauntlet::analysis {

/// Whether the record's attack looked for the smallest perturbation that makes an answer wrong.
bool looks_for_distances(const results::CellRecord& record);

/// Smallest distance found of each image, at most `epsilon`: 0 where it is wrong without an attack,
/// infinite where it withstood.
std::vector<double> distances_of(const std::vector<results::Outcome>& outcomes, double epsilon);

/// The curve of such distances.
std::vector<results::DistanceCurve::Step> steps_of(std::vector<double> distances);

/// Median and its interval: the order statistics between which it lies with a chance of `level`,
/// whatever the distances' distribution. Infinite where it lies beyond what was looked for.
struct Median {
  double value = 0, low = 0, high = 0;
};
Median median_of(std::vector<double> distances, double level = 0.95);

/// How near to the best of all attacks each attack comes, by the areas under their curves:
///   1 - (area - area of the best) / (clean accuracy * b - area of the best)
/// where the best has for each image its smallest distance under any of them, b is the largest of
/// these or epsilon where one withstood, and areas reach up to b. It is the local optimality of
/// AttackBench (Cinà et al., 2024, https://arxiv.org/abs/2404.19460), with epsilon in the place of
/// distances that were not found. None where the best found nothing. `attacks`: the distances of
/// the same images, at least one attack.
std::vector<std::optional<double>> optimality_of(const std::vector<std::vector<double>>& attacks,
                                                 double epsilon);

/// Of each cell with a result whose attack looked for distances, in their order. On randomized rows
/// there is a reason in the place of a curve.
std::vector<results::DistanceCurve> distance_curves_of(
    const std::vector<results::CellRecord>& cells, const results::OutcomesOf& outcomes);

}  // namespace gauntlet::analysis
