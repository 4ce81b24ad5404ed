// `attack = "all"`, `attack = "recommended"`, `defense = "all"`, and attacks that name a preset.
#pragma once
#include <string>
#include <vector>

#include "library/plugin_catalogue.h"
#include "registry/registry.h"
#include "toml/toml_reader.h"

namespace gauntlet::suite {

/// A suite's text with `attack = "all"`, `defense = "all"` and every "all" in a list of defenses
/// written out: what the preset beside each plugin says for it, in the order of the plugins' names.
///
///     [all.NAME]             # an attack, as [attack.NAME] of a suite
///     [[all]]                # a defense, as [[defense]] of a suite
///     dataset = "cifar10"    # of either: only where the suite's data are this set or part of it
///
/// A plugin without such a preset is a problem, one without an entry for these data is not.
/// `attack = "recommended"` and single attacks that name a preset are written out, too
/// (recommended.h, named_presets.h). What they leave out is added to `notes`, a sentence each.
toml::Toml with_presets(toml::Toml suite, const library::PluginCatalogue& plugins,
                        const registry::Registry& registry, toml::Problems& problems,
                        std::vector<std::string>& notes);

}  // namespace gauntlet::suite
