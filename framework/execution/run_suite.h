// Runs the cells of a suite that are not answered yet, and records them.
#pragma once
#include "execution/events.h"
#include "library/plugin_library.h"
#include "registry/registry.h"
#include "results/store.h"
#include "suite/suite.h"

namespace gauntlet::execution {

struct RunSummary {
  int64_t ok = 0, invalid = 0, error = 0, skipped = 0;
  int64_t cached = 0;                            ///< of these, answered by the store
  int64_t shared_forwards = 0;                   ///< passes that rows took over from each other
  bool complete = false;                         ///< false: stopped by the user
  results::Level audit = results::Level::kPass;  ///< the worst that was found of a row
};

/// Throws BadInput for models, weights or data that cannot be used, before the first cell.
RunSummary run_suite(const suite::Suite& suite, const library::PluginLibrary& plugins,
                     const registry::Registry& registry, results::Store& store,
                     const RunOptions& options, RunEvents& events);

}  // namespace gauntlet::execution
