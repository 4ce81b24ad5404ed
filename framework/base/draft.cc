#include "base/draft.h"

#include <signal.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <regex>
#include <string>

#include "base/sha256.h"

namespace gauntlet {
namespace {
namespace fs = std::filesystem;

// A process number means something on one machine, and in one container of it, only.
const std::string& machine() {
  static const std::string name = [] {
    std::array<char, 256> host{};
    gethostname(host.data(), host.size() - 1);
    std::error_code error;
    return sha256(host.data() + fs::read_symlink("/proc/self/ns/pid", error).string()).substr(0, 8);
  }();
  return name;
}

bool is_old(const fs::path& file) {
  std::error_code error;
  const auto written = fs::last_write_time(file, error);
  return !error && fs::file_time_type::clock::now() - written > std::chrono::hours(24);
}

// "<file>.<machine>-<process>.tmp"; libzip adds six characters of its own.
bool is_abandoned(const fs::path& file) {
  static const std::regex pattern(R"(.*\.([0-9a-f]{8})-([0-9]{1,9})\.tmp(\.[A-Za-z0-9]{6})?)");
  const std::string name = file.filename().string();
  std::smatch match;
  if (!std::regex_match(name, match, pattern)) return false;
  const bool is_gone =
      match[1] == machine() && kill(pid_t(std::stol(match[2])), 0) != 0 && errno == ESRCH;
  return is_gone || is_old(file);
}

void remove_abandoned(const fs::path& folder, const std::string& prefix) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error))
    if (entry.path().filename().string().starts_with(prefix) && is_abandoned(entry.path())) {
      std::error_code ignored;
      fs::remove(entry.path(), ignored);
    }
}
}  // namespace

fs::path draft_of(const fs::path& file) {
  remove_abandoned(file.has_parent_path() ? file.parent_path() : ".",
                   file.filename().string() + ".");
  fs::path draft = file;
  draft += "." + machine() + "-" + std::to_string(getpid()) + ".tmp";
  return draft;
}

void remove_abandoned_drafts(const fs::path& folder) { remove_abandoned(folder, ""); }

}  // namespace gauntlet
