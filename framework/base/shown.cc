#include "base/shown.h"

#include <algorithm>

namespace gauntlet {

std::string shown(std::string_view text) {
  constexpr size_t kLongest = 200;
  std::string out(text.substr(0, kLongest));
  std::replace_if(
      out.begin(), out.end(), [](char c) { return c < 0x20 || c >= 0x7f; }, '?');
  return "'" + out + (text.size() > kLongest ? "…'" : "'");
}

}  // namespace gauntlet
