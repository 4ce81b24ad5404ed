#include "training/train.h"

#include "base/bad_input.h"
#include "training/model_writer.h"

namespace gauntlet {
namespace {
namespace fs = std::filesystem;

TrainingParts make_parts(const Recipe& recipe, const PluginLibrary& plugins) {
  TrainingParts parts;
  parts.network = build_network(recipe.network, uint64_t(recipe.seed));
  for (const Use& use : recipe.layer_plugins) {
    parts.layer_plugins.push_back(plugins.defense(use.plugin, use.with));
    if (auto* perturbs = dynamic_cast<PerturbsLayers*>(parts.layer_plugins.back().get()))
      parts.network->declare(*perturbs, use.plugin);
  }
  if (recipe.method) parts.method = plugins.defense(recipe.method->plugin, recipe.method->with);
  parts.make_attack = [&plugins](const Use& use) { return plugins.attack(use.plugin, use.with); };
  return parts;
}

// On the data set's own test split and on subsets of it, where their files are there.
std::vector<DeclaredAccuracy> measure(const Recipe& recipe, Network& network,
                                      const Registry& registry) {
  std::vector<DeclaredAccuracy> all;
  for (const std::string& id : registry.dataset_ids()) {
    const DatasetEntry entry = registry.dataset(id);
    if (id != recipe.dataset && entry.embedded_of != recipe.dataset) continue;
    for (const DatasetEntry::Split& split : entry.splits) {
      const bool present =
          std::all_of(split.files.begin(), split.files.end(),
                      [&](const auto& file) { return registry.find(file).has_value(); });
      if (split.name != "test" || !present) continue;
      const Dataset data = registry.load(id, split.name);
      all.push_back({id, split.name, data.size(), count_correct(network, data)});
    }
  }
  return all;
}
}  // namespace

TrainingResult train(const Recipe& recipe, const PluginLibrary& plugins, const Registry& registry,
                     const TrainOptions& options, const TrainCallbacks& callbacks) {
  const fs::path id(recipe.id);
  const fs::path folder =
      options.output.empty() ? default_registry() / "models" / id.parent_path() : options.output;
  std::error_code failed;
  fs::create_directories(folder, failed);
  if (failed) throw BadInput(folder.string() + ": cannot be made: " + failed.message());
  const fs::path checkpoint = folder / (id.filename().string() + ".checkpoint");
  if (!options.resume && fs::exists(checkpoint.string() + ".json"))
    throw BadInput(checkpoint.string() +
                   ".json: is the checkpoint of a training that was stopped; go on with --resume, "
                   "or remove it to start anew");

  const Dataset data = registry.load(recipe.dataset, "train");
  const TrainingParts parts = make_parts(recipe, plugins);
  TrainingResult result = run_training(recipe, data, parts, checkpoint, options.resume, callbacks);
  if (!result.finished) return result;
  result.accuracy = measure(recipe, *parts.network, registry);
  write_model(recipe, *parts.network, folder, result);
  remove_checkpoint(checkpoint);
  return result;
}

}  // namespace gauntlet
