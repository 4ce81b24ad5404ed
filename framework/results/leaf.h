// Values among the parameters of a record (CellRecord::parameters).
#pragma once
#include <nlohmann/json.hpp>

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

}  // namespace gauntlet::results
