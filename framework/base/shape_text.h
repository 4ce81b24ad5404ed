#pragma once
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

namespace gauntlet {

/// "[3, 32, 32]"
inline std::string shape_text(std::span<const int64_t> sizes) {
  std::string text = "[";
  for (const int64_t size : sizes) text += (text.size() > 1 ? ", " : "") + std::to_string(size);
  return text + "]";
}
inline std::string shape_text(std::initializer_list<int64_t> sizes) {
  return shape_text(std::span<const int64_t>(sizes.begin(), sizes.size()));
}

/// "3 x 32 x 32"; "a single value" where there is no dimension.
inline std::string dimensions_text(std::span<const int64_t> sizes) {
  std::string text;
  for (const int64_t size : sizes) text += (text.empty() ? "" : " x ") + std::to_string(size);
  return text.empty() ? "a single value" : text;
}

}  // namespace gauntlet
