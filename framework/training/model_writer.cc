#include "training/model_writer.h"

#include <torch/version.h>

#include <cmath>
#include <sstream>

#include "base/sha256.h"
#include "base/write_atomically.h"
#include "models/learned.h"
#include "models/weights/safetensors.h"
#include "registry/model_entry_writer.h"
#include "suite/names.h"

namespace gauntlet::training {
namespace {
std::string quoted(const std::string& text) { return registry::to_toml(ParamValue(text)); }

ParamMap with_use(const Use& use) {
  ParamMap map = use.with;
  map["use"] = use.plugin;
  return map;
}

void write_provenance(std::ostream& out, const Recipe& recipe, const TrainingResult& result) {
  const EpochLog& line = result.log.at(size_t(result.selected_epoch - 1));
  out << "\n[training]\nrecipe = " << quoted(recipe.file.filename().string())
      << "\nrecipe_sha256 = " << quoted(recipe.sha256) << "\nmethod = "
      << (recipe.method ? registry::to_toml(with_use(*recipe.method)) : "\"cross-entropy\"");
  if (recipe.method && recipe.threat)
    out << "\nthreat = { norm = " << quoted(suite::to_string(recipe.threat->norm))
        << ", epsilon = " << quoted(recipe.threat->epsilon_text) << " }";
  if (recipe.from)
    out << "\nfrom = " << quoted(recipe.from->id)
        << "\nfrom_sha256 = " << quoted(recipe.from->sha256);
  if (recipe.from && !recipe.from->learned.sha256.empty())
    out << "\nfrom_learned_sha256 = " << quoted(recipe.from->learned.sha256);
  if (!recipe.sources.empty()) out << "\nsources = " << registry::to_toml(sources_of(recipe));
  if (recipe.precision != Precision::kFloat32)
    out << "\nprecision = " << quoted(word_for(kPrecisions, recipe.precision));
  if (result.averaged)
    out << "\naveraging = " << quoted(word_for(kAveragings, recipe.averaging.type));
  if (!recipe.stack.empty()) {
    ParamList stack;
    for (const Use& use : recipe.stack) stack.emplace_back(with_use(use));
    out << "\nstack = " << registry::to_toml(stack);
  }
  out << "\nseed = " << recipe.seed << "\nepochs = " << result.log.size()
      << "\nselected_epoch = " << result.selected_epoch
      << "\nseconds = " << int64_t(std::lround(result.seconds))
      << "\ntorch = " << quoted(TORCH_VERSION);
  if (line.validation_clean)
    out << "\nvalidation_clean_accuracy = " << registry::to_toml(*line.validation_clean);
  if (line.validation_robust)
    out << "\nvalidation_robust_accuracy = " << registry::to_toml(*line.validation_robust);
  out << "\n";
}

// What was trained beside the network, as one file; and which plugins may have it.
registry::LearnedEntry write_learned(const Recipe& recipe, const std::filesystem::path& file,
                                     const TrainingResult& result) {
  NamedTensors tensors = result.wrapper_tensors;
  for (const auto& [name, tensor] : result.method_tensors) tensors[kMethodPrefix + name] = tensor;
  registry::LearnedEntry entry;
  if (tensors.empty()) return entry;
  models::write_safetensors(file, tensors, {{"id", recipe.id}, {"recipe", recipe.sha256}});
  entry.weights = file, entry.sha256 = sha256_of_file(file);
  std::vector<Use> plugins = recipe.stack;
  if (recipe.method) plugins.push_back(*recipe.method);
  for (const Use& use : plugins)
    if (!models::learned_of(result.wrapper_tensors, use.plugin).empty())
      entry.plugins.push_back(use);
  if (recipe.method && !result.method_tensors.empty()) entry.method = recipe.method->plugin;
  return entry;
}

std::string entry_text(const Recipe& recipe, const models::NetworkSpec& network,
                       const registry::LearnedEntry& learned, const TrainingResult& result) {
  registry::ModelEntry entry;
  entry.learned = learned;
  entry.id = recipe.id, entry.summary = recipe.summary, entry.dataset = recipe.dataset;
  entry.weights = result.weights, entry.sha256 = sha256_of_file(result.weights);
  entry.licence = recipe.licence, entry.citation = recipe.citation;
  entry.network = network, entry.layer_plugins = recipe.layer_plugins;
  entry.accuracy = result.accuracy;
  entry.log = std::filesystem::path(result.weights).replace_extension(".csv");
  std::ostringstream out;
  out << model_entry_text(entry);
  write_provenance(out, recipe, result);
  return out.str();
}
}  // namespace

ParamList sources_of(const Recipe& recipe) {
  ParamList all;
  for (const std::string& id : recipe.sources)
    all.emplace_back(ParamMap{{"model", id}, {"sha256", recipe.models.at(id)}});
  return all;
}

void write_model(const Recipe& recipe, const models::Network& network,
                 const std::filesystem::path& folder, TrainingResult& result) {
  const std::string name = std::filesystem::path(recipe.id).filename().string();
  std::map<std::string, Tensor> tensors;
  for (const models::NamedTensor& named : network.tensors())
    tensors[named.name] = named.tensor.detach();
  result.weights = folder / (name + ".safetensors");
  models::write_safetensors(result.weights, tensors,
                            {{"id", recipe.id}, {"recipe", recipe.sha256}});
  const registry::LearnedEntry learned =
      write_learned(recipe, folder / (name + ".learned.safetensors"), result);
  write_atomically(folder / (name + ".csv"), to_csv(result.log));
  result.entry = folder / (name + ".toml");
  write_atomically(result.entry, entry_text(recipe, network.spec(), learned, result));
}

}  // namespace gauntlet::training
