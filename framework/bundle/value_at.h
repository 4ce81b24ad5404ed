#pragma once
#include <nlohmann/json.hpp>

namespace gauntlet::bundle {

/// The value at a key of any JSON value; null if it is absent.
inline nlohmann::json value_at(const nlohmann::json& object, const char* key) {
  return object.is_object() ? object.value(key, nlohmann::json()) : nlohmann::json();
}

}  // namespace gauntlet::bundle
