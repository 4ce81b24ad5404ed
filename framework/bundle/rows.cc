#include "bundle/rows.h"

#include "base/bad_input.h"
#include "library/plugin_catalogue.h"
#include "suite/param_json.h"
#include "suite/read_suite.h"

namespace gauntlet::bundle {
namespace {
using nlohmann::json;

const toml::Position kSettingsFile{"settings.json"};

// { use = "smoothing", sigma = 0.1 } of {"use": "smoothing", "params": {"sigma": 0.1}}.
ParamMap use_of(const json& wrapper) {
  ParamMap use;
  if (wrapper.contains("params")) {
    const json& params = wrapper.at("params");
    if (!params.is_object())
      throw BadInput("settings.json: the parameters of a wrapper are " + params.dump());
    use = suite::params_of(params);
  }
  use["use"] = wrapper.at("use").get<std::string>();
  return use;
}

ParamMap row_of(const json& settings, const std::string& defense) {
  for (const json& row : settings.at("defenses")) {
    if (row.at("name") != defense) continue;
    ParamList stack;
    for (const json& wrapper : row.at("stack")) stack.emplace_back(use_of(wrapper));
    ParamMap out;
    out["name"] = defense;
    out["model"] = row.at("model").get<std::string>();
    out["stack"] = std::move(stack);
    return out;
  }
  throw BadInput("settings.json has no row '" + defense + "'");
}
}  // namespace

suite::Suite suite_of(const json& settings, const std::string& defense, const suite::Board& board,
                      const library::PluginLibrary& plugins, const registry::Registry& registry) {
  ParamList rows;
  rows.emplace_back(row_of(settings, defense));
  ParamMap text;
  text["schema"] = 1;
  text["name"] = "verified";
  text["board"] = board.id();
  text["defense"] = std::move(rows);
  toml::Problems problems;
  return suite::read_suite(from_param(text, kSettingsFile), {}, {},
                           library::LibraryCatalogue(plugins), registry, problems);
}

}  // namespace gauntlet::bundle
