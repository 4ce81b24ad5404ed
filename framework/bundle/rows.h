// The rows of a bundle as a suite of this machine.
#pragma once
#include <nlohmann/json.hpp>

#include "host/plugin_library.h"
#include "host/suite.h"

namespace gauntlet::bundle {

/// The suite that these settings came from, as far as the board and one row of it go; checked as
/// any suite is. Throws BadInput where models, plugins or data are not here.
Suite suite_of(const nlohmann::json& settings, const std::string& defense, const Board& board,
               const PluginLibrary& plugins, const Registry& registry);

}  // namespace gauntlet::bundle
