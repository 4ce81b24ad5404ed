#include "cli/interrupt.h"

#include <unistd.h>

#include <csignal>

#include "cli/sudden_end.h"

namespace gauntlet::cli {
namespace {
std::atomic<bool> stopped{false};
static_assert(std::atomic<bool>::is_always_lock_free, "set from a signal handler");

void remember_signal(int) {
  if (stopped.exchange(true)) leave_at_once(130);
  static const char text[] = "\nstopping: finished shards are kept; Ctrl-C again stops at once\n";
  [[maybe_unused]] const auto written = write(STDERR_FILENO, text, sizeof text - 1);
}
}  // namespace

const std::atomic<bool>& stop_on_signals() {
  std::signal(SIGINT, remember_signal);
  std::signal(SIGTERM, remember_signal);
  return stopped;
}

}  // namespace gauntlet::cli
