// Whose code runs: who is told of where it ends the process.
#pragma once
#include <string>

namespace gauntlet::library {

/// The plugin whose code runs now, innermost ("attack 'pgd'"); null: none does. May be asked from a
/// signal handler.
const char* running_plugin();

/// Ends the process since the plugin that runs has left it unfit to go on: `how`, such as "it
/// closed the host's files". May be called from a signal handler.
[[noreturn]] void end_since_plugin(const char* how);
/// What that does: it tells of the end and does not come back. Without one it aborts.
using SuddenEnd = void (*)(const char* how);
void set_sudden_end(SuddenEnd end);

/// For the time of its scope that plugin runs. `who` outlives it.
class Running {
 public:
  explicit Running(const std::string& who);
  ~Running();
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

 private:
  const char* const outer_;
};

}  // namespace gauntlet::library
