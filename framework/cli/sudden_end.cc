#include "cli/sudden_end.h"

#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string>
#include <utility>

#include "cli/commands.h"
#include "library/running_plugin.h"

// All that is here may run in a signal handler, in a process that is no longer sound: it allocates
// nothing and takes no lock.
namespace gauntlet::cli {
namespace {

pid_t watched = 0;
std::atomic<bool> told{false};
std::string* store_folder = nullptr;  // a pointer: exit() destroys no more than is sound

void put(const char* text) {
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, text, std::strlen(text));
}

// By another process, which begins anew: this one's state is the plugin's.
void write_reports(const char* folder) {
  const pid_t child = ::_Fork();
  if (child == 0) {
    for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) ::signal(signal, SIG_DFL);
    ::execl("/proc/self/exe", "gauntlet", "report", folder, static_cast<char*>(nullptr));
    leave_at_once(kSomeFailed);
  }
  while (child > 0 && ::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
}

// Whether `who` ends this process; then it is told of, once.
bool told_of(const char* how, const char* who = library::running_plugin()) {
  if (!who || ::getpid() != watched) return false;
  if (told.exchange(true)) return true;
  put("\ngauntlet: ");
  put(who);
  put(" ended the process: ");
  put(how);
  put(". The program stops here; results that were complete before are kept.\n");
  if (store_folder && !store_folder->empty()) write_reports(store_folder->c_str());
  return true;
}

void end_at_once(const char* how) {
  const char* who = library::running_plugin();
  told_of(how, who ? who : "a plugin");
  leave_at_once(kSomeFailed);
}

void at_exit() {
  if (told_of("it called exit()")) leave_at_once(kSomeFailed);
}
void at_quick_exit() {
  if (told_of("it called quick_exit()")) leave_at_once(kSomeFailed);
}

std::terminate_handler usual_end = nullptr;
[[noreturn]] void on_terminate() {
  told_of("std::terminate, as where an exception leaves a thread");
  if (usual_end) usual_end();
  std::abort();
}

void on_signal(int signal) {  // the signal does what it does by default when it is raised again
  told_of(signal == SIGABRT  ? "it called abort()"
          : signal == SIGFPE ? "an error of arithmetic (SIGFPE)"
          : signal == SIGILL ? "an instruction that is none (SIGILL)"
                             : "it used memory that is not its own (SIGSEGV, SIGBUS)");
  ::raise(signal);
}

void watch_signals() {
  // A stack of its own, since the plugin may have used up the other.
  static char stack[64 * 1024];
  stack_t own{};
  own.ss_sp = stack, own.ss_size = sizeof stack;
  ::sigaltstack(&own, nullptr);
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) {
    struct sigaction now {};
    if (::sigaction(signal, nullptr, &now) == 0 && now.sa_handler != SIG_DFL)
      continue;  // a sanitizer's
    now = {};
    now.sa_handler = &on_signal;
    now.sa_flags = int(SA_ONSTACK | SA_RESETHAND | SA_NODEFER);
    ::sigaction(signal, &now, nullptr);
  }
}
}  // namespace

void watch_for_sudden_end() {
  watched = ::getpid();
  std::atexit(&at_exit);
  std::at_quick_exit(&at_quick_exit);
  library::set_sudden_end(&end_at_once);
  usual_end = std::set_terminate(&on_terminate);
  watch_signals();
}

ReportsOnSuddenEnd::ReportsOnSuddenEnd(const std::filesystem::path& store) {
  store_folder = new std::string(std::filesystem::absolute(store).string());
}
ReportsOnSuddenEnd::~ReportsOnSuddenEnd() { delete std::exchange(store_folder, nullptr); }

void leave_at_once(int code) {
  for (;;) ::syscall(SYS_exit_group, code);
}

void leave(int code) {
  std::fflush(nullptr);
  leave_at_once(code);
}

namespace {
[[noreturn]] void leave_early(int code) {
  leave_at_once(told_of("it called _exit()") && code == kOk ? kSomeFailed : code);
}
}  // namespace
}  // namespace gauntlet::cli

// The dynamic linker finds these before the C library's, so that a plugin that calls them comes by
// here.
extern "C" {
// NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): the C library has names of its
// own.
__attribute__((visibility("default"))) void _exit(int code) { gauntlet::cli::leave_early(code); }
__attribute__((visibility("default"))) void _Exit(int code) noexcept {
  gauntlet::cli::leave_early(code);
}
// NOLINTEND(readability-inconsistent-declaration-parameter-name)
}
