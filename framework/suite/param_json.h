// Parameters as JSON, both ways: 1 stays whole and 1.0 a number.
#pragma once
#include <nlohmann/json.hpp>

#include "gauntlet/params.h"

namespace gauntlet::suite {

nlohmann::json to_json(const ParamValue& value);
nlohmann::json to_json(const ParamMap& params);
/// Throws BadInput for null, which no parameter is.
ParamValue param_of(const nlohmann::json& value);
/// Throws BadInput for what is no object, and as above.
ParamMap params_of(const nlohmann::json& table);

}  // namespace gauntlet::suite
