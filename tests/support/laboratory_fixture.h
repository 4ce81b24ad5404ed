// Runs suites with the shipped plugins on a network written by the test.
#pragma once
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "analysis/latest_run.h"
#include "base/sha256.h"
#include "execution/run_suite.h"
#include "models/weights/safetensors.h"
#include "tests/support/temporary_folder.h"

namespace gauntlet::testing {

inline std::filesystem::path from_environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : ".";
}

inline library::PluginLibrary shipped_plugins() {
  return library::PluginLibrary({from_environment("GAUNTLET_BUILD_DIR") / "plugins"});
}

/// All records of a run with their outcomes, in the order of the suite.
inline results::Store::Run run(const suite::Suite& suite, const library::PluginLibrary& plugins,
                               const registry::Registry& registry,
                               const std::filesystem::path& folder,
                               const execution::RunOptions& options,
                               execution::RunSummary* summary = nullptr) {
  results::Store store(folder);
  execution::RunEvents silent;
  const execution::RunSummary done = run_suite(suite, plugins, registry, store, options, silent);
  if (summary) *summary = done;
  results::Store::Run records = analysis::latest_run(store);
  for (results::CellRecord& cell : records.cells)
    cell.outcomes = store.outcomes(cell.identity, cell.fingerprint);
  return records;
}

}  // namespace gauntlet::testing
