#include "training/model_writer.h"

#include <torch/version.h>

#include <cmath>
#include <sstream>

#include "base/sha256.h"
#include "models/safetensors.h"

namespace gauntlet {
namespace {
std::string quoted(const std::string& text) { return to_toml(ParamValue(text)); }

std::string list_of(const auto& values) {
  std::string text;
  for (const auto& value : values) text += (text.empty() ? "" : ", ") + to_text(ParamValue(value));
  return "[" + text + "]";
}

ParamMap with_use(const Use& use) {
  ParamMap map = use.with;
  map["use"] = use.plugin;
  return map;
}

void write_network(std::ostream& out, const NetworkSpec& spec) {
  out << "\n[network]\narchitecture = " << quoted(spec.architecture)
      << "\ninput = " << list_of(spec.input) << "\nclasses = " << spec.classes << "\n";
  if (!spec.mean.empty())
    out << "mean = " << list_of(spec.mean) << "\nstd = " << list_of(spec.std) << "\n";
  for (const auto& [key, value] : spec.options) {
    const auto* list = value.get<ParamList>();
    if (!list || list->empty() || !list->front().get<ParamMap>()) {
      out << key << " = " << to_toml(value) << "\n";
      continue;
    }
    out << key << " = [\n";  // layers: one a line
    for (const ParamValue& item : *list) out << "  " << to_toml(item) << ",\n";
    out << "]\n";
  }
}

void write_provenance(std::ostream& out, const Recipe& recipe, const TrainingResult& result) {
  const EpochLog& line = result.log.at(size_t(result.selected_epoch - 1));
  out << "\n[training]\nrecipe = " << quoted(recipe.file.filename().string())
      << "\nrecipe_sha256 = " << quoted(recipe.sha256)
      << "\nmethod = " << (recipe.method ? to_toml(with_use(*recipe.method)) : "\"cross-entropy\"");
  if (recipe.method && recipe.threat)
    out << "\nthreat = { norm = " << quoted(to_string(recipe.threat->norm))
        << ", epsilon = " << quoted(recipe.threat->epsilon_text) << " }";
  if (recipe.from)
    out << "\nfrom = " << quoted(recipe.from->id)
        << "\nfrom_sha256 = " << quoted(recipe.from->sha256);
  out << "\nseed = " << recipe.seed << "\nepochs = " << result.log.size()
      << "\nselected_epoch = " << result.selected_epoch
      << "\nseconds = " << int64_t(std::lround(result.seconds))
      << "\ntorch = " << quoted(TORCH_VERSION);
  if (line.validation_clean)
    out << "\nvalidation_clean_accuracy = " << to_toml(*line.validation_clean);
  if (line.validation_robust)
    out << "\nvalidation_robust_accuracy = " << to_toml(*line.validation_robust);
  out << "\n";
}

std::string entry_text(const Recipe& recipe, const NetworkSpec& network,
                       const TrainingResult& result) {
  std::ostringstream out;
  const auto line = [&](const char* key, const std::string& text) {
    if (!text.empty()) out << key << " = " << quoted(text) << "\n";
  };
  out << "schema = 1\n";
  line("id", recipe.id);
  line("summary", recipe.summary);
  line("dataset", recipe.dataset);
  line("weights", result.weights.filename().string());
  line("sha256", sha256_of_file(result.weights));
  line("log", std::filesystem::path(result.weights).replace_extension(".csv").filename().string());
  line("licence", recipe.licence);
  line("citation", recipe.citation);
  write_network(out, network);
  for (const Use& use : recipe.layer_plugins) {
    out << "\n[[layer_plugins]]\nuse = " << quoted(use.plugin) << "\n";
    for (const auto& [key, value] : use.with) out << key << " = " << to_toml(value) << "\n";
  }
  for (const DeclaredAccuracy& declared : result.accuracy)
    out << "\n[[accuracy]]\ndataset = " << quoted(declared.dataset)
        << "\nsplit = " << quoted(declared.split) << "\nsamples = " << declared.samples
        << "\ncorrect = " << declared.correct << "\n";
  write_provenance(out, recipe, result);
  return out.str();
}
}  // namespace

std::string to_toml(const ParamValue& value) {
  if (const auto* list = value.get<ParamList>()) {
    std::string text;
    for (const ParamValue& item : *list) text += (text.empty() ? "" : ", ") + to_toml(item);
    return "[" + text + "]";
  }
  const auto* map = value.get<ParamMap>();
  if (!map) return to_text(value);
  std::string first, rest;
  for (const auto& [key, item] : *map) {
    std::string& text = key == "use" || key == "type" ? first : rest;
    text += (text.empty() ? "" : ", ") + key + " = " + to_toml(item);
  }
  return "{ " + first + (first.empty() || rest.empty() ? "" : ", ") + rest + " }";
}

void write_model(const Recipe& recipe, const Network& network, const std::filesystem::path& folder,
                 TrainingResult& result) {
  const std::string name = std::filesystem::path(recipe.id).filename().string();
  std::map<std::string, Tensor> tensors;
  for (const NamedTensor& named : network.tensors()) tensors[named.name] = named.tensor.detach();
  result.weights = folder / (name + ".safetensors");
  write_safetensors(result.weights, tensors, {{"id", recipe.id}, {"recipe", recipe.sha256}});
  if (!result.method_tensors.empty())
    write_safetensors(folder / (name + ".method.safetensors"), result.method_tensors,
                      {{"id", recipe.id}, {"recipe", recipe.sha256}});
  write_text_atomically(folder / (name + ".csv"), to_csv(result.log));
  result.entry = folder / (name + ".toml");
  write_text_atomically(result.entry, entry_text(recipe, network.spec(), result));
}

}  // namespace gauntlet
