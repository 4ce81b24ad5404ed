#include "suite/text/named_presets.h"

#include <algorithm>
#include <map>

#include "suite/text/expand.h"

namespace gauntlet::suite {
namespace {

// The tables [attack.NAME] of all presets, read when the first of them is asked for.
class NamedPresets {
 public:
  NamedPresets(const library::PluginCatalogue& plugins, toml::Problems& problems)
      : plugins_(plugins), problems_(problems) {}

  // Null if there is none of this name.
  const toml::Toml* find(const std::string& name, const toml::Position& position) {
    read();
    const auto there = found_.find(name);
    if (there == found_.end()) return nullptr;
    const std::vector<std::string>& of = there->second.plugins;
    if (of.size() > 1)
      problems_.add(position, "'" + name + "' is a preset of '" + of[0] + "' and of '" + of[1] +
                                  "': copy one of them");
    return &there->second.attack;
  }

  // What to write in place of a name that is none.
  std::string instead_of(const std::string& name) {
    const std::vector<std::string> attacks = plugins_.names("attack");
    if (std::count(attacks.begin(), attacks.end(), name))
      return ", the plugin is written { use = \"" + name + "\" }";
    return suggestion(name, names());
  }

  std::vector<std::string> names() {
    read();
    std::vector<std::string> names;
    for (const auto& [preset, _] : found_) names.push_back(preset);
    return names;
  }

 private:
  struct Found {
    toml::Toml attack;
    std::vector<std::string> plugins;
  };

  void read() {
    if (is_read_) return;
    is_read_ = true;
    for (const std::string& plugin : plugins_.names("attack")) {
      const std::filesystem::path file = plugins_.preset("attack", plugin);
      if (std::filesystem::is_regular_file(file)) read(plugin, file);
    }
  }
  void read(const std::string& plugin, const std::filesystem::path& file) try {
    const toml::Toml text = toml::read_toml(file);
    const toml::Toml* attacks = text.find("attack");
    if (!attacks || !attacks->get<toml::Toml::Table>()) return;
    for (const toml::Toml::Member& preset : with_bases(*attacks, problems_)) {
      Found& found = found_[preset.key];
      if (found.plugins.empty()) found.attack = preset.value;
      found.plugins.push_back(plugin);
    }
  } catch (const BadInput& error) {
    problems_.add(error);
  }

  const library::PluginCatalogue& plugins_;
  toml::Problems& problems_;
  std::map<std::string, Found> found_;
  bool is_read_ = false;
};

// The base of an attack that no attack of the suite is; "": it has another, or none.
std::string base_elsewhere(const toml::Toml::Member& attack, const toml::Toml& attacks) {
  const toml::Toml* base = attack.value.find("base");
  const auto* name = base ? base->get<std::string>() : nullptr;
  return name && (*name == attack.key || !attacks.find(*name)) ? *name : "";
}
}  // namespace

std::vector<std::string> preset_names(const library::PluginCatalogue& plugins) {
  toml::Problems told_where_one_is_named;
  return NamedPresets(plugins, told_where_one_is_named).names();
}

toml::Toml with_named_presets(toml::Toml suite, const library::PluginCatalogue& plugins,
                              toml::Problems& problems) {
  toml::Toml* attacks = suite.find("attack");
  if (!attacks || !attacks->get<toml::Toml::Table>()) return suite;
  NamedPresets presets(plugins, problems);
  const toml::Toml as_written = *attacks;
  for (toml::Toml::Member& attack : *attacks->get<toml::Toml::Table>()) {
    const toml::Position position = attack.value.position;
    if (const auto* name = attack.value.get<std::string>()) {
      if (const toml::Toml* preset = presets.find(*name, position)) {
        attack.value = *preset;
        attack.value.position = position;
      } else {
        problems.add(position, "attack '" + attack.key + "': there is no preset '" + *name + "'" +
                                   presets.instead_of(*name));
      }
    } else if (const std::string base = base_elsewhere(attack, as_written); !base.empty()) {
      // One that is nowhere is told of with the other bases.
      const toml::Toml* preset = presets.find(base, position);
      if (!preset) continue;
      if (const toml::Toml* use = attack.value.find("use"))
        problems.add(use->position,
                     "attack '" + attack.key + "': 'use' and 'base' cannot both be given");
      attack.value = with_base(*preset, attack.value);
    }
  }
  return suite;
}

}  // namespace gauntlet::suite
