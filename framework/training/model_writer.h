#pragma once
#include <filesystem>
#include <string>

#include "training/recipe.h"
#include "training/result.h"

namespace gauntlet::training {

/// Writes weights, log and registry entry of a finished training; fills entry and weights of
/// `result`, whose accuracies are already counted.
void write_model(const Recipe& recipe, const models::Network& network,
                 const std::filesystem::path& folder, TrainingResult& result);

/// The models that were lent, as the entry's provenance names them.
ParamList sources_of(const Recipe& recipe);

}  // namespace gauntlet::training
