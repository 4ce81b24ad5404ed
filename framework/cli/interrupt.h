#pragma once
#include <atomic>

namespace gauntlet::cli {

/// Set by the first Ctrl-C or SIGTERM: stop and keep finished shards. The second one ends at once.
const std::atomic<bool>& stop_on_signals();

}  // namespace gauntlet::cli
