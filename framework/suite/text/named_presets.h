// Attacks that a suite takes from presets by their names.
#pragma once
#include <string>
#include <vector>

#include "library/plugin_catalogue.h"
#include "toml/toml_reader.h"

namespace gauntlet::suite {

/// A suite's text with every attack that names a preset written out:
///
///     [attack]
///     aa = "autoattack-standard"                              # the preset as it is
///     few = { base = "autoattack-standard", samples = 100 }   # with keys of its own
///
/// Names are those of the tables [attack.NAME] in the presets of all attack plugins. An attack of
/// the suite goes before a preset of the same name. A string that names none is a problem.
toml::Toml with_named_presets(toml::Toml suite, const library::PluginCatalogue& plugins,
                              toml::Problems& problems);

/// Names of all presets. Those in files with a mistake are missing.
std::vector<std::string> preset_names(const library::PluginCatalogue& plugins);

}  // namespace gauntlet::suite
