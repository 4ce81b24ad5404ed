// `gauntlet train`: from a recipe to a registry entry with weights.
#pragma once
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "training/checkpoint.h"
#include "training/recipe.h"
#include "training/result.h"
#include "training/session.h"

namespace gauntlet::training {

struct TrainOptions {
  /// Where <name>.toml, <name>.safetensors and <name>.csv go, and <name>.learned.safetensors where
  /// wrappers or the method trained tensors of their own; <name> is the last part of the recipe's
  /// id. Empty: that of the id in the registry folder.
  std::filesystem::path output;
  /// Go on from the checkpoint beside the output, if there is one; a model that this recipe has
  /// finished is left as it is.
  bool resume = false;
  bool overwrite = false;  ///< replace a checkpoint or a model that is there
};

struct TrainingProgress {
  int64_t epoch = 0, epochs = 0;   ///< 0 is the first
  int64_t batch = 0, batches = 0;  ///< done in this epoch
  double loss = 0, accuracy = 0;   ///< of this epoch so far
  double learning_rate = 0;
  double seconds = 0, seconds_left = 0;
};

/// All are optional and called from the training thread.
struct TrainCallbacks {
  std::function<void(const TrainingProgress&)> progress;  ///< after each batch
  std::function<void(const EpochLog&)> epoch;             ///< after each epoch
  std::function<bool()> stop;  ///< asked before each batch; true: end here, keep the checkpoint
};

/// The trainings a recipe asks for: itself, or one for each of its seeds.
std::vector<Recipe> replicates(const Recipe& recipe);

/// Throws BadInput if training would overwrite earlier work without being asked to.
void check_output(const Recipe& recipe, const TrainOptions& options);
/// Trains, measures, and writes entry, weights and log. Throws BadInput, as check_output() does.
TrainingResult train(const Recipe& recipe, const library::PluginLibrary& plugins,
                     const registry::Registry& registry, const TrainOptions& options,
                     const TrainCallbacks& callbacks);

/// The loop alone: parts.network ends with the selected weights. Checkpoints go to the prefix; an
/// empty one: none.
TrainingResult run_training(const Recipe& recipe, const data::Dataset& data,
                            const TrainingParts& parts, const std::filesystem::path& checkpoint,
                            bool resume, const TrainCallbacks& callbacks);

/// Right answers of the bare network (no layer noise) on a whole split.
int64_t count_correct(models::Network& network, const data::Dataset& data);

}  // namespace gauntlet::training
