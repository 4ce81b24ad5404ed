#pragma once
#include <atomic>

namespace gauntlet::cli {

/// Set by the first Ctrl-C or SIGTERM: end cleanly, keep what is complete. The second ends at once.
const std::atomic<bool>& stop_on_signals();

}  // namespace gauntlet::cli
