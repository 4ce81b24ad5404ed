// The one door to the terminal: nothing else in the project prints. Names come from suites, bundles
// and data of strangers, so every text among the arguments is made visible first.
#pragma once
#include <fmt/format.h>

#include <cstdio>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/shown.h"

namespace gauntlet::cli {

/// Takes back the line that a terminal shows.
inline void clear_line() { std::fputs("\r\033[K", stderr); }

/// A text of several lines, whose line breaks stay.
struct Lines {
  std::string_view text;
};

namespace detail {
template <class T>
auto safe(const T& value) {
  if constexpr (std::is_same_v<T, Lines>)
    return printable_lines(value.text);
  else if constexpr (std::is_convertible_v<const T&, std::string_view>)
    return printable(value);
  else
    return value;
}
template <class T>
using Safe = decltype(safe(std::declval<const T&>()));
}  // namespace detail

/// Prints to `to`, texts as printable() shows them.
template <class... Args>
void say(std::FILE* to, fmt::format_string<detail::Safe<Args>...> format, const Args&... args) {
  const std::string text = fmt::format(fmt::runtime(format), detail::safe(args)...);
  std::fwrite(text.data(), 1, text.size(), to);
}
/// The same to standard output.
template <class... Args>
void say(fmt::format_string<detail::Safe<Args>...> format, const Args&... args) {
  say(stdout, format, args...);
}

}  // namespace gauntlet::cli
