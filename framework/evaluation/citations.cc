#include "evaluation/citations.h"

#include <fstream>
#include <set>
#include <sstream>

#include "evaluation/identity.h"
#include "gauntlet/version.h"

namespace gauntlet::evaluation {
namespace {
using nlohmann::json;

constexpr std::streamsize kLongestFile = 1 << 20;  // bytes

std::string gauntlet_entry() {
  return "@misc{gauntlet,\n  title = {Gauntlet: defenses of image classifiers under attack},\n"
         "  note  = {Version " GAUNTLET_VERSION "}\n}";
}

// NAME.bib beside a plugin's library; "" where there is none.
std::string text_beside(std::filesystem::path library) {
  std::ifstream in(library.replace_extension(".bib"), std::ios::binary);
  std::string text(size_t(kLongestFile), '\0');
  in.read(text.data(), kLongestFile);
  text.resize(size_t(std::max<std::streamsize>(0, in.gcount())));
  return text;
}

// "trades" of { use = "trades", … }; "" of anything else.
std::string plugin_of(const ParamValue& value) {
  const auto* table = value.get<ParamMap>();
  if (!table) return "";
  const auto use = table->find("use");
  const auto* name = use == table->end() ? nullptr : use->second.get<std::string>();
  return name ? *name : "";
}

// How a model was trained, as its entry says it: the method, the attack inside, what it wore.
void collect_training(const ParamMap& training, std::set<std::string>& plugins) {
  const auto add = [&](const std::string& kind, const std::string& name) {
    if (!name.empty()) plugins.insert(kind + "/" + name);
  };
  if (const auto method = training.find("method"); method != training.end()) {
    add("defense", plugin_of(method->second));
    if (const auto* params = method->second.get<ParamMap>())
      for (const auto& [name, value] : *params) add("attack", plugin_of(value));
  }
  if (const auto stack = training.find("stack"); stack != training.end())
    if (const auto* list = stack->second.get<ParamList>())
      for (const ParamValue& wrapper : *list) add("defense", plugin_of(wrapper));
}

// What a suite uses, each once.
struct Used {
  std::set<std::string> plugins;                 // "attack/pgd"
  std::map<std::string, std::string> citations;  // of models, by id
};

void add_model(const registry::ModelEntry& model, Used& used) {
  collect_training(model.training, used.plugins);
  for (const Use& use : model.layer_plugins) used.plugins.insert("defense/" + use.plugin);
  if (!model.citation.empty()) used.citations[model.id] = model.citation;
}

Used used_by(const suite::Suite& suite, const Laboratory& lab) {
  Used used;
  std::set<std::string> sources;
  for (const suite::AttackSpec& attack : suite.attacks) sources.merge(sources_of(attack, lab));
  for (const std::string& id : sources) add_model(lab.registry().model(id), used);
  for (const suite::DefenseSpec& defense : suite.defenses) {
    add_model(defense.model, used);
    for (const suite::AttackSpec& attack : suite.attacks)
      used.plugins.merge(plugins_behind(defense, attack, lab));
  }
  return used;
}
}  // namespace

json citations_of(const suite::Suite& suite, const Laboratory& lab) {
  json out = json::array();
  const auto add = [&](const std::string& of, const std::string& text) {
    if (text.find_first_not_of(" \t\r\n") == std::string::npos) return;
    // A store takes UTF-8 only.
    const std::string safe = json(text).dump(-1, ' ', false, json::error_handler_t::replace);
    out.push_back({{"of", of}, {"bibtex", json::parse(safe)}});
  };
  const Used used = used_by(suite, lab);
  add("gauntlet", gauntlet_entry());
  add("data/" + suite.data.dataset, suite.data.entry.citation);
  for (const auto& [id, text] : used.citations) add("model/" + id, text);
  for (const std::string& plugin : used.plugins) {
    const size_t slash = plugin.find('/');
    const std::string kind = plugin.substr(0, slash), name = plugin.substr(slash + 1);
    // A model may have been trained with a plugin that is not here.
    if (lab.plugins().has(kind, name))
      add(plugin, text_beside(lab.plugins().file(kind, name).path));
  }
  return out;
}

}  // namespace gauntlet::evaluation
