// A plugin that ends the process must not make a run look finished.
#pragma once
#include <filesystem>

namespace gauntlet::cli {

/// From now on an end that a plugin brings about (exit, _exit, quick_exit, std::terminate, abort, a
/// crash) is told on stderr with the plugin's name, and is never exit code 0. SIGKILL cannot be
/// told of.
void watch_for_sudden_end();

/// Ends the process with this code once what was printed is written. Handlers that plugins left for
/// exit(), and destructors of their globals, do not run: the results are complete, and a crash
/// there would turn the exit code into a failure of the run.
[[noreturn]] void leave(int code);

/// While this object exists, a sudden end of the process still writes reports of stored results.
class ReportsOnSuddenEnd {
 public:
  explicit ReportsOnSuddenEnd(const std::filesystem::path& store);
  ~ReportsOnSuddenEnd();
  ReportsOnSuddenEnd(const ReportsOnSuddenEnd&) = delete;
  ReportsOnSuddenEnd& operator=(const ReportsOnSuddenEnd&) = delete;
};

/// Ends the process at once, even while other threads run.
[[noreturn]] void leave_at_once(int code);

}  // namespace gauntlet::cli
