#pragma once
#include <filesystem>
#include <string>

#include "host/model_entry_writer.h"
#include "training/train.h"

namespace gauntlet {

/// Writes weights, log and registry entry of a finished training; fills entry and weights of
/// `result`, whose accuracies are already counted.
void write_model(const Recipe& recipe, const Network& network, const std::filesystem::path& folder,
                 TrainingResult& result);

}  // namespace gauntlet
