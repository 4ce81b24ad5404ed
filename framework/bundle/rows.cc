#include "bundle/rows.h"

#include "base/bad_input.h"
#include "library/plugin_catalogue.h"
#include "suite/read_suite.h"

namespace gauntlet::bundle {
namespace {
using nlohmann::json;

const toml::Position kSettingsFile{"settings.json"};

ParamValue to_param(const json& value) {
  switch (value.type()) {
    case json::value_t::boolean:
      return value.get<bool>();
    case json::value_t::number_integer:
    case json::value_t::number_unsigned:
      return value.get<int64_t>();
    case json::value_t::number_float:
      return value.get<double>();
    case json::value_t::string:
      return value.get<std::string>();
    case json::value_t::array: {
      ParamList list;
      for (const json& item : value) list.push_back(to_param(item));
      return list;
    }
    case json::value_t::object: {
      ParamMap map;
      for (const auto& [key, item] : value.items()) map[key] = to_param(item);
      return map;
    }
    default:
      throw BadInput("settings.json: a parameter is " + value.dump());
  }
}

// { use = "smoothing", sigma = 0.1 } of {"use": "smoothing", "params": {"sigma": 0.1}}.
ParamMap use_of(const json& wrapper) {
  ParamMap use;
  if (wrapper.contains("params")) {
    const json& params = wrapper.at("params");
    if (!params.is_object())
      throw BadInput("settings.json: the parameters of a wrapper are " + params.dump());
    use = *to_param(params).get<ParamMap>();
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
