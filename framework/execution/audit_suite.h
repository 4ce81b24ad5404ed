// Audits the rows of a suite without running its attacks.
#pragma once
#include "execution/events.h"
#include "library/plugin_library.h"
#include "registry/registry.h"
#include "results/store.h"
#include "suite/suite.h"

namespace gauntlet::execution {

struct SuiteAudit {
  std::vector<results::RowAudit> rows;  ///< row by row under each threat, of the first seed
  int64_t recorded = 0;                 ///< of these, with records of cells in the store
  bool complete = false;                ///< false: stopped by the user
};

/// Makes probes of every row under every threat on the first `samples` images, and adds what the
/// records of its cells say that the store has of this build. Audits are kept in the store. Throws
/// BadInput for models, weights or data that cannot be used, and for rows that the suite's board
/// does not take, before the first probe.
SuiteAudit audit_suite(const suite::Suite& suite, int64_t samples,
                       const library::PluginLibrary& plugins, const registry::Registry& registry,
                       results::Store& store, const RunOptions& options, RunEvents& events);

}  // namespace gauntlet::execution
