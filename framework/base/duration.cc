#include "base/duration.h"

#include <cmath>
#include <cstdint>
#include <cstdio>

namespace gauntlet {
namespace {

std::string two_units(int64_t seconds, int64_t larger, const char* first, int64_t smaller,
                      const char* second) {
  return std::to_string(seconds / larger) + first + std::to_string(seconds % larger / smaller) +
         second;
}
}  // namespace

std::string duration(double seconds) {
  constexpr int64_t kMinute = 60, kHour = 3600, kDay = 86400;
  if (!std::isfinite(seconds)) return "—";
  if (seconds < 59.5) {
    char text[32];
    std::snprintf(text, sizeof text, seconds < 9.95 ? "%.2g s" : "%.0f s", seconds);
    return text;
  }
  const auto whole = int64_t(std::llround(seconds));
  if (whole < kHour) return two_units(whole, kMinute, " min ", 1, " s");
  if (whole < kDay) return two_units(whole, kHour, " h ", kMinute, " min");
  return two_units(whole, kDay, " d ", kHour, " h");
}

}  // namespace gauntlet
