#pragma once
#include "results/store.h"

namespace gauntlet::analysis {

/// Store::read_run() with its differences from baselines, its distance curves, and the figures that
/// cells' outcomes and scores hold, without these: Store::outcomes() has outcomes when they are
/// asked for. Throws as it does.
results::Store::Run latest_run(const results::Store& store);

}  // namespace gauntlet::analysis
