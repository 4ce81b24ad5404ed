// Rebuilds the suite of one bundled row from the models, plugins and data found here.
#pragma once
#include <nlohmann/json.hpp>

#include "library/plugin_library.h"
#include "suite/suite.h"

namespace gauntlet::bundle {

/// The suite that these settings came from, as far as the board and one row of it go; checked as
/// any suite is. Throws BadInput where models, plugins or data are not here.
suite::Suite suite_of(const nlohmann::json& settings, const std::string& defense,
                      const suite::Board& board, const library::PluginLibrary& plugins,
                      const registry::Registry& registry);

}  // namespace gauntlet::bundle
