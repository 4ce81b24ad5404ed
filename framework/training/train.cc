#include "training/train.h"

#include <set>

#include "base/bad_input.h"
#include "evaluation/laboratory.h"
#include "models/architectures/build_network.h"
#include "models/architectures/load_weights.h"
#include "models/learned.h"
#include "models/weights/weights.h"
#include "registry/learned_tensors.h"
#include "registry/registry_entry.h"
#include "registry/search_path.h"
#include "training/model_writer.h"

namespace gauntlet::training {
namespace {
namespace fs = std::filesystem;

// Plugins of the base declare their tensors before its weights are loaded, new ones after it: what
// they add keeps its initial value.
void declare_and_load(const Recipe& recipe, TrainingParts& parts) {
  const auto of_base = [&](const Use& use) {
    const auto& base = recipe.from->layer_plugins;
    return std::any_of(base.begin(), base.end(),
                       [&](const Use& other) { return other.plugin == use.plugin; });
  };
  const auto declare = [&](bool before_loading) {
    for (size_t i = 0; i < recipe.layer_plugins.size(); ++i)
      if (const Use& use = recipe.layer_plugins[i];
          (!recipe.from || of_base(use)) == before_loading)
        if (auto* perturbs = dynamic_cast<PerturbsLayers*>(parts.layer_plugins[i].get()))
          parts.network->declare(*perturbs, use.plugin);
  };
  declare(true);
  if (!recipe.from) return;
  evaluation::verify_weights(*recipe.from);
  load_weights(*parts.network, recipe.from->weights);
  declare(false);
}

// What the base learned beside its network, of the recipe's wrappers and method.
NamedTensors learned_before(const Recipe& recipe) {
  if (!recipe.from) return {};
  const registry::LearnedEntry& base = recipe.from->learned;
  std::set<std::string> wanted;
  if (recipe.method) wanted.insert(recipe.method->plugin);
  for (const Use& use : recipe.stack) wanted.insert(use.plugin);
  std::set<std::string> taken;
  for (const Use& use : base.plugins)
    if (wanted.contains(use.plugin)) taken.insert(use.plugin);
  const bool method = recipe.method && recipe.method->plugin == base.method;
  if (taken.empty() && !method) return {};  // nobody reads the file
  const NamedTensors all = registry::learned_tensors(*recipe.from);
  NamedTensors out;
  for (const std::string& plugin : taken) out.merge(models::learned_of(all, plugin));
  if (method)
    for (const auto& [name, tensor] : all)
      if (name.starts_with(kMethodPrefix)) out[name] = tensor;
  return out;
}

// Models that the recipe's parameters name, and no others: only they are in its identity.
void lend_sources(const Recipe& recipe, const library::PluginLibrary& plugins,
                  const registry::Registry& registry, const data::Dataset& data,
                  TrainingParts& parts) {
  if (recipe.sources.empty()) return;
  for (const std::string& id : recipe.sources) evaluation::verify_weights(registry.model(id));
  const auto lab = std::make_shared<evaluation::Laboratory>(plugins, registry, at::kCPU);
  lab->probe_with(data);
  parts.source = [lab, ids = recipe.sources](const ModelRef& ref) -> evaluation::DefendedModel& {
    if (!ids.contains(ref.id))
      throw BadInput("training asks for the model '" + ref.id +
                     "', which no parameter of the recipe names");
    return lab->model(ref);
  };
}

TrainingParts make_parts(const Recipe& recipe, const library::PluginLibrary& plugins) {
  TrainingParts parts;
  parts.network = build_network(recipe.network, uint64_t(recipe.seed));
  for (const Use& use : recipe.layer_plugins)
    parts.layer_plugins.push_back(plugins.defense(use.plugin, use.with));
  declare_and_load(recipe, parts);
  for (const Use& use : recipe.stack)
    parts.stack.push_back({use.plugin, plugins.defense(use.plugin, use.with)});
  if (recipe.method) {
    parts.method = plugins.defense(recipe.method->plugin, recipe.method->with);
    parts.method_name = recipe.method->plugin;
  }
  parts.learned = learned_before(recipe);
  parts.make_attack = [&plugins](const Use& use) { return plugins.attack(use.plugin, use.with); };
  return parts;
}

// On the data set's own test split and on subsets of it, where their files are there.
std::vector<registry::DeclaredAccuracy> measure(const Recipe& recipe, models::Network& network,
                                                const registry::Registry& registry) {
  std::vector<registry::DeclaredAccuracy> all;
  for (const std::string& id : registry.dataset_ids()) {
    const registry::DatasetEntry entry = registry.dataset(id);
    if (id != recipe.dataset && entry.embedded_of != recipe.dataset) continue;
    for (const registry::DatasetEntry::Split& split : entry.splits) {
      const bool present =
          std::all_of(split.files.begin(), split.files.end(),
                      [&](const auto& file) { return registry.find(file).has_value(); });
      if (split.name != "test" || !present) continue;
      const data::Dataset data = registry.load(id, split.name);
      all.push_back({id, split.name, data.size(), count_correct(network, data)});
    }
  }
  return all;
}

std::string name_of(const Recipe& recipe) { return fs::path(recipe.id).filename().string(); }

// Where a training's files go.
struct Output {
  Output(const Recipe& recipe, const TrainOptions& options)
      : folder(options.output.empty()
                   ? registry::default_registry() / "models" / fs::path(recipe.id).parent_path()
                   : options.output),
        entry(folder / (name_of(recipe) + ".toml")),
        checkpoint(folder / (name_of(recipe) + ".checkpoint")) {}
  fs::path folder, entry, checkpoint;
};

// Whether this very training has been finished before.
bool is_there(const Recipe& recipe, const fs::path& entry) {
  if (!fs::exists(entry)) return false;
  const registry::ModelEntry model = registry::read_model_entry(entry, recipe.id);
  const auto same = [&](const char* key, const ParamValue& value) {
    const auto it = model.training.find(key);
    return it != model.training.end() && it->second == value;
  };
  // No sum: that there is none now must be how it was.
  const auto same_sum = [&](const char* key, const std::string& sum) {
    return sum.empty() ? !model.training.contains(key) : same(key, sum);
  };
  const fs::path& learned = model.learned.weights;
  return fs::exists(model.weights) && (learned.empty() || fs::exists(learned)) &&
         same("recipe_sha256", recipe.sha256) && same("seed", recipe.seed) &&
         (recipe.sources.empty() || same("sources", sources_of(recipe))) &&
         (!recipe.from || (same("from_sha256", recipe.from->sha256) &&
                           same_sum("from_learned_sha256", recipe.from->learned.sha256)));
}
}  // namespace

std::vector<Recipe> replicates(const Recipe& recipe) {
  if (recipe.seeds.empty()) return {recipe};
  std::vector<Recipe> all;
  for (const int64_t seed : recipe.seeds) {
    all.push_back(recipe);
    all.back().seed = seed;
    all.back().id += "-seed" + std::to_string(seed);
  }
  return all;
}

void check_output(const Recipe& recipe, const TrainOptions& options) {
  if (options.overwrite) return;
  const Output output(recipe, options);
  const bool stopped = has_checkpoint(output.checkpoint);
  if (stopped && !options.resume)
    throw BadInput(output.checkpoint.string() +
                   ".json: is the checkpoint of a training that was stopped; go on with --resume, "
                   "or begin anew with --overwrite");
  if (fs::exists(output.entry) && !stopped && !(options.resume && is_there(recipe, output.entry)))
    throw BadInput(output.entry.string() +
                   ": is there already; choose another --output, or replace it with --overwrite");
}

TrainingResult train(const Recipe& recipe, const library::PluginLibrary& plugins,
                     const registry::Registry& registry, const TrainOptions& options,
                     const TrainCallbacks& callbacks) {
  const auto& [folder, entry, checkpoint] = Output(recipe, options);
  std::error_code failed;
  fs::create_directories(folder, failed);
  if (failed) throw BadInput(folder.string() + ": cannot be made: " + failed.message());
  check_output(recipe, options);
  if (options.resume && !has_checkpoint(checkpoint) && is_there(recipe, entry)) {
    TrainingResult result;
    result.finished = result.found = true;
    result.entry = entry;
    return result;
  }
  if (options.overwrite && !options.resume) remove_checkpoint(checkpoint);

  const data::Dataset data = registry.load(recipe.dataset, "train");
  TrainingParts parts = make_parts(recipe, plugins);
  lend_sources(recipe, plugins, registry, data, parts);
  const bool resume = options.resume && has_checkpoint(checkpoint);
  TrainingResult result = run_training(recipe, data, parts, checkpoint, resume, callbacks);
  if (!result.finished) return result;
  result.accuracy = measure(recipe, *parts.network, registry);
  write_model(recipe, *parts.network, folder, result);
  remove_checkpoint(checkpoint);
  return result;
}

}  // namespace gauntlet::training
