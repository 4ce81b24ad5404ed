#include "suite/param_json.h"

#include "base/bad_input.h"

namespace gauntlet::suite {
using nlohmann::json;

json to_json(const ParamValue& value) {
  return std::visit(
      [](const auto& v) -> json {
        using T = std::decay_t<decltype(v)>;
        if constexpr (std::is_same_v<T, ParamMap>) {
          return to_json(v);
        } else if constexpr (std::is_same_v<T, ParamList>) {
          json out = json::array();
          for (const ParamValue& item : v) out.push_back(to_json(item));
          return out;
        } else {
          return v;
        }
      },
      value.value);
}

json to_json(const ParamMap& params) {
  json out = json::object();
  for (const auto& [name, value] : params) out[name] = to_json(value);
  return out;
}

ParamValue param_of(const json& value) {
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
      for (const json& item : value) list.push_back(param_of(item));
      return list;
    }
    case json::value_t::object:
      return params_of(value);
    default:
      throw BadInput("a parameter is " + value.dump());
  }
}

ParamMap params_of(const json& table) {
  if (!table.is_object()) throw BadInput("parameters are " + table.dump() + ", expected an object");
  ParamMap out;
  for (const auto& [name, value] : table.items()) out[name] = param_of(value);
  return out;
}

}  // namespace gauntlet::suite
