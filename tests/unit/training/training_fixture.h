// A small data set, a small network, and trainings of it that take milliseconds.
#pragma once
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "conformance/small_training.h"
#include "models/architectures/build_network.h"
#include "tests/support/temporary_folder.h"
#include "training/batches.h"
#include "training/train.h"

namespace gauntlet::training_tests {

namespace fs = std::filesystem;

using conformance::quarters;
using conformance::small_network;

inline training::Recipe small_recipe() {
  training::Recipe recipe = conformance::small_recipe();
  recipe.epochs = 3;
  recipe.optimizer.momentum = 0.9;
  recipe.optimizer.nesterov = true;
  recipe.optimizer.weight_decay = 1e-3;
  recipe.schedule.type = training::ScheduleSpec::Type::kOneCycle;
  recipe.augmentation = {.crop_padding = 1, .flip = true};
  recipe.validation.samples = 8;
  recipe.sha256 = "a recipe";
  return recipe;
}

/// An inner attack of two steps.
inline const Use kPgd = {"pgd", {{"steps", 2}, {"step_size", 0.03}}};

inline ParamValue as_param(const Use& use) {
  ParamMap map = use.with;
  map["use"] = use.plugin;
  return map;
}

/// The plugins of the build tree.
inline const library::PluginLibrary& built_plugins() {
  static const library::PluginLibrary library(
      {fs::path(std::getenv("GAUNTLET_BUILD_DIR")) / "plugins"});
  return library;
}

inline training::TrainingParts parts_of(const training::Recipe& recipe,
                                        std::shared_ptr<Defense> method = nullptr) {
  training::TrainingParts parts;
  parts.network = build_network(recipe.network, uint64_t(recipe.seed));
  for (const Use& use : recipe.layer_plugins) {
    parts.layer_plugins.push_back(built_plugins().defense(use.plugin, use.with));
    parts.network->declare(dynamic_cast<PerturbsLayers&>(*parts.layer_plugins.back()), use.plugin);
  }
  for (const Use& use : recipe.stack)
    parts.stack.push_back({use.plugin, built_plugins().defense(use.plugin, use.with)});
  parts.method = std::move(method);
  if (!parts.method && recipe.method)
    parts.method = built_plugins().defense(recipe.method->plugin, recipe.method->with);
  parts.make_attack = [](const Use& use) { return built_plugins().attack(use.plugin, use.with); };
  return parts;
}

inline training::NamedTensors weights(const models::Network& network) {
  training::NamedTensors out;
  for (const models::NamedTensor& named : network.tensors())
    out[named.name] = named.tensor.detach().clone();
  return out;
}

/// What a training without checkpoints makes of the recipe.
inline training::NamedTensors trained(const training::Recipe& recipe, const data::Dataset& data,
                                      std::shared_ptr<Defense> method = nullptr) {
  const training::TrainingParts parts = parts_of(recipe, std::move(method));
  run_training(recipe, data, parts, {}, false, {});
  return weights(*parts.network);
}

inline bool same_bits(const training::NamedTensors& a, const training::NamedTensors& b) {
  if (a.size() != b.size()) return false;
  for (const auto& [name, tensor] : a)
    if (!b.count(name) || !torch::equal(tensor, b.at(name))) return false;
  return !a.empty();
}

/// A folder of this test alone, removed at its end.
struct Folder {
  const testing::TemporaryFolder owned;
  const fs::path path = owned;
};

}  // namespace gauntlet::training_tests
