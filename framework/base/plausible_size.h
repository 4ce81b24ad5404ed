#pragma once
#include <cstdint>

namespace gauntlet {

/// The most bytes that content may unpack to whose size nothing declares: deflate can pack zeros a
/// thousandfold, but no data worth reading.
inline int64_t plausible_bytes(uint64_t packed) {
  constexpr int64_t kAlways = int64_t{1} << 26, kRatio = 100;
  return kAlways + kRatio * int64_t(packed);
}

}  // namespace gauntlet
