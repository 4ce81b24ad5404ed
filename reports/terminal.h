// The table a run leaves on stdout.
#pragma once
#include <string>

#include "results/store.h"

namespace gauntlet::reports {

/// Defenses against attacks, one table a threat; a cell without a valid result shows its status.
/// Means over seeds. After them what is certified, where the suite asked for it.
std::string summary_table(const results::Store::Run& run);

/// What was found of its cells, and why some have no result: a line each, below the table; "" where
/// there is nothing.
std::string findings_text(const results::Store::Run& run);

}  // namespace gauntlet::reports
