#include "registry/model_entry_writer.h"

#include <sstream>

namespace gauntlet::registry {
namespace {
std::string quoted(const std::string& text) { return to_toml(ParamValue(text)); }

std::string list_of(const auto& values) {
  std::string text;
  for (const auto& value : values) text += (text.empty() ? "" : ", ") + to_text(ParamValue(value));
  return "[" + text + "]";
}

void write_network(std::ostream& out, const models::NetworkSpec& spec) {
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

void write_learned(std::ostream& out, const LearnedEntry& learned) {
  out << "\n[learned]\nweights = " << quoted(learned.weights.filename().string())
      << "\nsha256 = " << quoted(learned.sha256) << "\n";
  ParamList plugins;
  for (const Use& use : learned.plugins) {
    ParamMap map = use.with;
    map["use"] = use.plugin;
    plugins.emplace_back(std::move(map));
  }
  if (!plugins.empty()) out << "plugins = " << to_toml(plugins) << "\n";
  if (!learned.method.empty()) out << "method = " << quoted(learned.method) << "\n";
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

std::string model_entry_text(const ModelEntry& entry) {
  std::ostringstream out;
  const auto line = [&](const char* key, const std::string& text) {
    if (!text.empty()) out << key << " = " << quoted(text) << "\n";
  };
  out << "schema = 1\n";
  line("id", entry.id);
  line("summary", entry.summary);
  line("dataset", entry.dataset);
  line("weights", entry.weights.filename().string());
  line("sha256", entry.sha256);
  line("log", entry.log.filename().string());
  line("licence", entry.licence);
  line("citation", entry.citation);
  write_network(out, entry.network);
  for (const Use& use : entry.layer_plugins) {
    out << "\n[[layer_plugins]]\nuse = " << quoted(use.plugin) << "\n";
    for (const auto& [key, value] : use.with) out << key << " = " << to_toml(value) << "\n";
  }
  if (!entry.learned.weights.empty()) write_learned(out, entry.learned);
  for (const DeclaredAccuracy& declared : entry.accuracy)
    out << "\n[[accuracy]]\ndataset = " << quoted(declared.dataset)
        << "\nsplit = " << quoted(declared.split) << "\nsamples = " << declared.samples
        << "\ncorrect = " << declared.correct << "\n";
  return out.str();
}

}  // namespace gauntlet::registry
