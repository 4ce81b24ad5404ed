// What several attacks by gradient steps share.
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

namespace gauntlet {

/// Windows between the checks of APGD, in steps, the first one first: 22, 19, 16, 13, 10, 7, 6, 6
/// of 100 steps. Those that are left after the last whole window are not checked. Croce & Hein,
/// 2020, section 3.
inline std::vector<int64_t> check_windows(int64_t steps) {
  const auto share = [&](int64_t percent) { return std::max<int64_t>(percent * steps / 100, 1); };
  std::vector<int64_t> windows;
  int64_t window = share(22);
  for (int64_t done = window; done <= steps; done += window) {
    windows.push_back(window);
    window = std::max(window - share(3), share(6));
  }
  return windows;
}

}  // namespace gauntlet
