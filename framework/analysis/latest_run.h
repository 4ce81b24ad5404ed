#pragma once
#include "results/store.h"

namespace gauntlet::analysis {

/// Store::read_run() with its differences from baselines and its distance curves, without outcomes:
/// Store::outcomes() has them when they are asked for. Throws as it does.
results::Store::Run latest_run(const results::Store& store);

}  // namespace gauntlet::analysis
