#include "library/running_plugin.h"

#include <atomic>
#include <cstdlib>

namespace gauntlet::library {
namespace {
// Of the process, not of a thread: a thread that a plugin began may end it.
std::atomic<const char*> running{nullptr};
std::atomic<SuddenEnd> sudden_end{nullptr};
}  // namespace

const char* running_plugin() { return running.load(std::memory_order_relaxed); }

void set_sudden_end(SuddenEnd end) { sudden_end = end; }

void end_since_plugin(const char* how) {
  if (const SuddenEnd end = sudden_end) end(how);
  std::abort();
}

Running::Running(const std::string& who)
    : outer_(running.exchange(who.c_str(), std::memory_order_relaxed)) {}
Running::~Running() { running.store(outer_, std::memory_order_relaxed); }

}  // namespace gauntlet::library
