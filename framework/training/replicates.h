// Mean and deviation over the replicates of a recipe.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "registry/registry.h"

namespace gauntlet::training {

/// One measured accuracy over all replicates.
struct Spread {
  std::string what;                ///< "test of cifar10", "validation", "validation under attack"
  std::vector<double> values;      ///< in [0, 1], one a replicate
  double mean = 0, deviation = 0;  ///< standard deviation of a sample: n - 1
};

/// Of the accuracies that all of these entries, written by train(), have.
std::vector<Spread> spread_of(const std::vector<registry::ModelEntry>& replicates);

/// Adds the table [training.replicates] to each entry that lacks it: the other entries' names, mean
/// and standard deviation of each accuracy. Throws BadInput if a file cannot be written.
void write_spread(const std::vector<registry::ModelEntry>& replicates,
                  const std::vector<Spread>& spread);

}  // namespace gauntlet::training
