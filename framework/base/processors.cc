#include "base/processors.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>
#include <thread>

namespace gauntlet {
namespace {
namespace fs = std::filesystem;

std::string text_of(const fs::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

// "50000 100000" or "max 100000" of version 2; 0: no limit.
double quota_of_version_2(const fs::path& group) {
  std::istringstream in(text_of(group / "cpu.max"));
  double quota = 0, period = 0;
  return in >> quota >> period && quota > 0 && period > 0 ? quota / period : 0;
}

// -1 stands for no limit.
double quota_of_version_1(const fs::path& group) {
  std::istringstream quotas(text_of(group / "cpu.cfs_quota_us")),
      periods(text_of(group / "cpu.cfs_period_us"));
  double quota = 0, period = 0;
  return quotas >> quota && periods >> period && quota > 0 && period > 0 ? quota / period : 0;
}

double least(double a, double b) { return a <= 0 ? b : b <= 0 ? a : std::min(a, b); }

// A group is bound by its own quota and by that of every group above it. Inside of a container the
// path may be the host's and not exist: then the mounted root is the container's own group.
double quota_above(const fs::path& root, const fs::path& group,
                   double (*quota_of)(const fs::path&)) {
  double quota = quota_of(root);
  fs::path place = root;
  for (const fs::path& part : group.relative_path()) quota = least(quota, quota_of(place /= part));
  return quota;
}

int bound_processors() {
#ifdef CPU_COUNT
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
#endif
  return int(std::max(1u, std::thread::hardware_concurrency()));
}
}  // namespace

double quota_of_control_group(const fs::path& groups, const std::string& membership) {
  double quota = 0;
  std::istringstream lines(membership);
  for (std::string line; std::getline(lines, line);) {  // "4:cpu,cpuacct:/path", "0::/path"
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    const fs::path group = line.substr(second + 1);
    if (controllers == ",,")
      quota = least(quota, quota_above(groups, group, quota_of_version_2));
    else if (controllers.find(",cpu,") != std::string::npos)
      for (const std::string& mount :
           {std::string("cpu"), controllers.substr(1, controllers.size() - 2)})
        quota = least(quota, quota_above(groups / mount, group, quota_of_version_1));
  }
  return quota;
}

int available_processors() {
  const double quota = quota_of_control_group("/sys/fs/cgroup", text_of("/proc/self/cgroup"));
  const int bound = bound_processors();
  return quota > 0 ? std::clamp(int(std::ceil(quota)), 1, bound) : bound;
}

int running_threads() {
  // "0.12 0.10 0.08 3/210 4711": the fourth is running of all.
  std::istringstream in(text_of("/proc/loadavg"));
  std::string averages;
  int running = 0;
  for (int i = 0; i < 3; ++i) in >> averages;
  return in >> running ? running : 0;
}

}  // namespace gauntlet
