// Values among the parameters of a record (CellRecord::parameters).
#pragma once
#include <nlohmann/json.hpp>
#include <string>

namespace gauntlet::results {

/// {"value": v} or {"value": v, "default": d}: a value that was to choose, as against a table of
/// such values and a bare value.
template <class Json>
bool is_chosen(const Json& json) {
  return json.is_object() && json.contains("value") &&
         json.size() == (json.contains("default") ? 2u : 1u);
}
/// v of such a value; any other is its own.
template <class Json>
const Json& value_of(const Json& json) {
  return is_chosen(json) ? json.at("value") : json;
}
/// What the attack of these parameters was to reach, as suites name it. Records say it where it is
/// not the usual goal; text that is no such JSON says nothing.
inline std::string goal_of(const std::string& parameters) {
  const auto all = nlohmann::json::parse(parameters, nullptr, /*allow_exceptions=*/false);
  const auto at = [](const nlohmann::json& json, const char* name) {
    return json.is_object() && json.contains(name) ? json.at(name) : nlohmann::json();
  };
  const nlohmann::json goal = value_of(at(at(all, "host"), "goal"));
  return goal.is_string() ? goal.get<std::string>() : "untargeted";
}

}  // namespace gauntlet::results
