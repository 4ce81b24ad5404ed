// What a training needs to go on after it was stopped.
#pragma once
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "gauntlet/types.h"

namespace gauntlet::training {

/// One line of a training's log.
struct EpochLog {
  int64_t epoch = 0;         ///< 1 is the first
  double learning_rate = 0;  ///< of its last step
  double loss = 0;           ///< mean over batches
  double accuracy = 0;       ///< on what was trained on, before each step
  std::optional<double> validation_clean, validation_robust;
  double seconds = 0;  ///< of this epoch
};

/// "epoch,learning_rate,…" and a line an epoch.
std::string to_csv(const std::vector<EpochLog>& log);

struct Checkpoint {
  std::string recipe;  ///< SHA-256 of the recipe file
  /// Models that the recipe uses, as Recipe::models; unset in checkpoints of older versions.
  std::optional<std::map<std::string, std::string>> models;
  int64_t epoch = 0;  ///< finished epochs
  bool finished = false;
  double best = -1;  ///< the selected epoch's validation accuracy
  int64_t best_epoch = 0;
  std::vector<EpochLog> log;
  std::map<std::string, Tensor> tensors;
};

/// Files at a prefix: <prefix>.<epoch>.safetensors and <prefix>.json, which names the former and is
/// replaced after it: a reader sees the old checkpoint or the new one. <prefix>.csv is the log so
/// far, to be looked at while training goes on.
void write_checkpoint(const std::filesystem::path& prefix, const Checkpoint& checkpoint);
bool has_checkpoint(const std::filesystem::path& prefix);
/// nullopt if there is none. Throws BadInput for a damaged one.
std::optional<Checkpoint> read_checkpoint(const std::filesystem::path& prefix);
void remove_checkpoint(const std::filesystem::path& prefix);

}  // namespace gauntlet::training
