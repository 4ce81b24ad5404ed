// From a file to a suite: parsed, checked, expanded.
#pragma once
#include <filesystem>

#include "library/plugin_catalogue.h"
#include "library/plugin_library.h"
#include "registry/registry.h"
#include "suite/suite.h"
#include "toml/toml_reader.h"

namespace gauntlet::suite {

/// Parses, checks against the plugins' schemas, expands. Throws one BadInput that lists every
/// problem, each as "file:line:column: what, expected, nearest valid name".
Suite read_suite(const std::filesystem::path& file, const SuiteOptions& options,
                 const library::PluginLibrary& plugins, const registry::Registry& registry);
Suite read_suite(const std::filesystem::path& file, const SuiteOptions& options,
                 const library::PluginCatalogue& plugins, const registry::Registry& registry);

/// The same of a text whose includes are in it; adds to `problems`, and throws them. `folder`: of
/// relative file names that were not written in a file.
Suite read_suite(toml::Toml text, const std::filesystem::path& folder, const SuiteOptions& options,
                 const library::PluginCatalogue& plugins, const registry::Registry& registry,
                 toml::Problems& problems);

/// All that a board fixes, without rows; its data need not be here.
Suite board_columns(const Board& board, const library::PluginCatalogue& plugins,
                    const registry::Registry& registry);
Suite board_columns(const Board& board, const library::PluginLibrary& plugins,
                    const registry::Registry& registry);

}  // namespace gauntlet::suite
