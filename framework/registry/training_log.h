// The log a training leaves beside its model: CSV, one line of names, then a line an epoch.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace gauntlet::registry {

struct TrainingLog {
  std::vector<std::string> columns;  ///< "epoch", "loss", "validation_clean", …
  std::vector<std::vector<std::optional<double>>> rows;  ///< an empty field holds nothing
};

/// Throws BadInput (file and line): not readable, a line of another length, a field that is no
/// number.
TrainingLog read_training_log(const std::filesystem::path& file);

}  // namespace gauntlet::registry
