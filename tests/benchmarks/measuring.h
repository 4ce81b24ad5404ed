// What the benchmarks share: where the build is, how long something takes, the middle of many.
#pragma once
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <vector>

namespace gauntlet::benchmarks {

/// GAUNTLET_BUILD_DIR, else the build that the running program belongs to.
inline std::filesystem::path build_folder() {
  const char* named = std::getenv("GAUNTLET_BUILD_DIR");
  return named ? std::filesystem::path(named)
               : std::filesystem::read_symlink("/proc/self/exe")
                     .parent_path()
                     .parent_path()
                     .parent_path();
}

inline double seconds_of(const std::function<void()>& f) {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  f();
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// `values` must not be empty.
inline double median(std::vector<double> values) {
  const auto middle = values.begin() + std::ptrdiff_t(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace gauntlet::benchmarks
