#include "host/suite_presets.h"

#include <algorithm>
#include <set>

namespace gauntlet {
namespace {

bool is_all(const Toml& value) {
  const auto* word = value.get<std::string>();
  return word && *word == "all";
}

class Presets {
 public:
  Presets(const Toml& suite, const PluginCatalogue& plugins, const Registry& registry,
          Problems& problems)
      : plugins_(plugins), datasets_(registry.dataset_ids()), problems_(problems) {
    const Toml* data = suite.find("data");
    const Toml* id = data ? data->find("dataset") : nullptr;
    const auto* name = id ? id->get<std::string>() : nullptr;
    // An unknown one is a problem of the suite's data.
    if (!name || !std::binary_search(datasets_.begin(), datasets_.end(), *name)) return;
    data_ = {*name};
    try {
      data_.insert(registry.dataset(*name).embedded_of);
    } catch (const BadInput&) {  // and so is a broken entry
    }
  }

  Toml attacks(const Position& position) {
    Toml out{Toml::Table{}, position};
    tell_refusals("attack", position);
    for (const std::string& plugin : plugins_.names("attack")) {
      const Toml preset = of("attack", plugin, position);
      const auto* entries = preset.get<Toml::Table>();
      if (!entries) continue;
      for (Toml::Member entry : *entries) {
        if (!taken(entry.value)) continue;
        if (out.find(entry.key))
          problems_.add(entry.position, "all: another preset has an attack '" + entry.key + "'");
        out.set(entry);
      }
    }
    return out;
  }

  Toml::List defenses(const Position& position) {
    Toml::List out;
    tell_refusals("defense", position);
    for (const std::string& plugin : plugins_.names("defense")) {
      const Toml preset = of("defense", plugin, position);
      const auto* rows = preset.get<Toml::List>();
      if (!rows) continue;
      for (Toml row : *rows)
        if (taken(row)) out.push_back(std::move(row));
    }
    return out;
  }

 private:
  // All without one would look like all.
  void tell_refusals(const std::string& kind, const Position& position) {
    for (const std::string& sentence : plugins_.refusals(kind))
      problems_.add(position, kind + " = \"all\": " + sentence);
  }

  // Its entries for "all": a table of attacks, a list of rows; an empty value after a problem.
  Toml of(const std::string& kind, const std::string& plugin, const Position& position) {
    const std::string shape = kind == "attack" ? "a table [all.NAME]" : "rows [[all]]";
    const std::string where = kind + " = \"all\": " + kind + " plugin '" + plugin + "' ";
    const std::filesystem::path file = plugins_.preset(kind, plugin);
    if (!std::filesystem::is_regular_file(file)) {
      problems_.add(position, where + "has no preset, expected " + shape + " in " + file.string());
      return {};
    }
    Toml text;
    try {
      text = read_toml(file);
    } catch (const BadInput& error) {
      problems_.add(error);
      return {};
    }
    const Toml* all = text.find("all");
    if (all &&
        (kind == "attack" ? all->get<Toml::Table>() != nullptr : all->get<Toml::List>() != nullptr))
      return *all;
    problems_.add(all ? all->position : text.position, where + "lacks " + shape + " in its preset");
    return {};
  }

  // Whether an entry is for the suite's data; takes its key `dataset` out.
  bool taken(Toml& entry) {
    const Toml* given = entry.find("dataset");
    if (!given) return true;
    const auto* dataset = given->get<std::string>();
    if (!dataset || !std::binary_search(datasets_.begin(), datasets_.end(), *dataset)) {
      const std::string name = plain_text(*given);
      problems_.add(given->position, "all: the registry has no data set '" + name + "'" +
                                         suggestion(name, datasets_));
      return false;
    }
    const bool fits = data_.count(*dataset) > 0;
    entry.erase("dataset");
    return fits;
  }

  const PluginCatalogue& plugins_;
  const std::vector<std::string> datasets_;
  Problems& problems_;
  std::set<std::string> data_;  // what the suite's data are, and what they are part of
};
}  // namespace

Toml with_presets(Toml suite, const PluginCatalogue& plugins, const Registry& registry,
                  Problems& problems) {
  Presets presets(suite, plugins, registry, problems);
  if (Toml* attack = suite.find("attack"); attack && is_all(*attack))
    *attack = presets.attacks(attack->position);
  Toml* defense = suite.find("defense");
  if (!defense) return suite;
  if (is_all(*defense)) {
    defense->value = presets.defenses(defense->position);
  } else if (const auto* rows = defense->get<Toml::List>()) {
    Toml::List out;
    for (const Toml& row : *rows) {
      Toml::List written = is_all(row) ? presets.defenses(row.position) : Toml::List{row};
      std::move(written.begin(), written.end(), std::back_inserter(out));
    }
    defense->value = std::move(out);
  }
  return suite;
}

}  // namespace gauntlet
