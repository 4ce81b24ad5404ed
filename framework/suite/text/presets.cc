#include "suite/text/presets.h"

#include <algorithm>
#include <set>

#include "suite/text/named_presets.h"
#include "suite/text/recommended.h"

namespace gauntlet::suite {
namespace {

bool is_all(const toml::Toml& value) {
  const auto* word = value.get<std::string>();
  return word && *word == "all";
}

class Presets {
 public:
  Presets(const toml::Toml& suite, const library::PluginCatalogue& plugins,
          const registry::Registry& registry, toml::Problems& problems)
      : plugins_(plugins), datasets_(registry.dataset_ids()), problems_(problems) {
    const toml::Toml* data = suite.find("data");
    const toml::Toml* id = data ? data->find("dataset") : nullptr;
    const auto* name = id ? id->get<std::string>() : nullptr;
    // An unknown one is a problem of the suite's data.
    if (!name || !std::binary_search(datasets_.begin(), datasets_.end(), *name)) return;
    data_ = {*name};
    try {
      data_.insert(registry.dataset(*name).embedded_of);
    } catch (const BadInput&) {  // and so is a broken entry
    }
  }

  toml::Toml attacks(const toml::Position& position) {
    toml::Toml out{toml::Toml::Table{}, position};
    tell_refusals("attack", position);
    for (const std::string& plugin : plugins_.names("attack")) {
      const toml::Toml preset = of("attack", plugin, position);
      const auto* entries = preset.get<toml::Toml::Table>();
      if (!entries) continue;
      for (toml::Toml::Member entry : *entries) {
        if (!taken(entry.value)) continue;
        if (out.find(entry.key))
          problems_.add(entry.position, "all: another preset has an attack '" + entry.key + "'");
        out.set(entry);
      }
    }
    return out;
  }

  toml::Toml::List defenses(const toml::Position& position) {
    toml::Toml::List out;
    tell_refusals("defense", position);
    for (const std::string& plugin : plugins_.names("defense")) {
      const toml::Toml preset = of("defense", plugin, position);
      const auto* rows = preset.get<toml::Toml::List>();
      if (!rows) continue;
      for (toml::Toml row : *rows)
        if (taken(row)) out.push_back(std::move(row));
    }
    return out;
  }

 private:
  // All without one would look like all.
  void tell_refusals(const std::string& kind, const toml::Position& position) {
    for (const std::string& sentence : plugins_.refusals(kind))
      problems_.add(position, kind + " = \"all\": " + sentence);
  }

  // Its entries for "all": a table of attacks, a list of rows; an empty value after a problem.
  toml::Toml of(const std::string& kind, const std::string& plugin,
                const toml::Position& position) {
    const std::string shape = kind == "attack" ? "a table [all.NAME]" : "rows [[all]]";
    const std::string where = kind + " = \"all\": " + kind + " plugin '" + plugin + "' ";
    const std::filesystem::path file = plugins_.preset(kind, plugin);
    if (!std::filesystem::is_regular_file(file)) {
      problems_.add(position, where + "has no preset, expected " + shape + " in " + file.string());
      return {};
    }
    toml::Toml text;
    try {
      text = toml::read_toml(file);
    } catch (const BadInput& error) {
      problems_.add(error);
      return {};
    }
    const toml::Toml* all = text.find("all");
    if (all && (kind == "attack" ? all->get<toml::Toml::Table>() != nullptr
                                 : all->get<toml::Toml::List>() != nullptr))
      return *all;
    problems_.add(all ? all->position : text.position, where + "lacks " + shape + " in its preset");
    return {};
  }

  // Whether an entry is for the suite's data; takes its key `dataset` out.
  bool taken(toml::Toml& entry) {
    const toml::Toml* given = entry.find("dataset");
    if (!given) return true;
    const auto* dataset = given->get<std::string>();
    if (!dataset || !std::binary_search(datasets_.begin(), datasets_.end(), *dataset)) {
      const std::string name = plain_text(*given);
      problems_.add(given->position, "all: the registry has no data set '" + name + "'" +
                                         suggestion(name, datasets_));
      return false;
    }
    const bool fits = data_.contains(*dataset);
    entry.erase("dataset");
    return fits;
  }

  const library::PluginCatalogue& plugins_;
  const std::vector<std::string> datasets_;
  toml::Problems& problems_;
  std::set<std::string> data_;  // what the suite's data are, and what they are part of
};
}  // namespace

toml::Toml with_presets(toml::Toml suite, const library::PluginCatalogue& plugins,
                        const registry::Registry& registry, toml::Problems& problems,
                        std::vector<std::string>& notes) {
  Presets presets(suite, plugins, registry, problems);
  if (toml::Toml* defense = suite.find("defense")) {
    if (is_all(*defense)) {
      defense->value = presets.defenses(defense->position);
    } else if (const auto* rows = defense->get<toml::Toml::List>()) {
      toml::Toml::List out;
      for (const toml::Toml& row : *rows) {
        toml::Toml::List written =
            is_all(row) ? presets.defenses(row.position) : toml::Toml::List{row};
        std::move(written.begin(), written.end(), std::back_inserter(out));
      }
      defense->value = std::move(out);
    }
  }
  if (toml::Toml* attack = suite.find("attack")) {
    if (is_all(*attack)) *attack = presets.attacks(attack->position);
    if (is_recommended(*attack)) *attack = recommended_attacks(suite, registry, problems, notes);
  }
  return with_named_presets(std::move(suite), plugins, problems);
}

}  // namespace gauntlet::suite
