// Whose code runs: who is told of where it ends the process.
#pragma once
#include <string>

namespace gauntlet {

/// The plugin whose code runs now, innermost ("attack 'pgd'"); null: none does. May be asked from a
/// signal handler.
const char* running_plugin();

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

}  // namespace gauntlet
