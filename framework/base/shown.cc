#include "base/shown.h"

#include <algorithm>
#include <cstdio>

#include "base/utf8.h"

namespace gauntlet {
namespace {

std::string written(const char* format, uint32_t code) {
  char text[16];
  return std::string(text, size_t(std::snprintf(text, sizeof text, format, code)));
}

std::string spelled(uint32_t code) {
  if (code == '\n') return "\\n";
  if (code == '\t') return "\\t";
  if (code == '\r') return "\\r";
  if (code < 0x80) return written("\\x%02x", code);
  return written(code > 0xffff ? "\\U%08x" : "\\u%04x", code);
}

std::string seen(std::string_view text, bool lines) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Character c = first_character(text);
    const bool stays = lines && (c.code == '\n' || c.code == '\t');
    if (!c.valid)
      out += written("\\x%02x", c.code);
    else if (is_hidden(c.code) && !stays)
      out += spelled(c.code);
    else
      out += text.substr(0, c.bytes);
    text.remove_prefix(c.bytes);
  }
  return out;
}
}  // namespace

std::string shown(std::string_view text) {
  constexpr size_t kLongest = 200;
  std::string out(text.substr(0, kLongest));
  std::replace_if(
      out.begin(), out.end(), [](char c) { return c < 0x20 || c >= 0x7f; }, '?');
  return "'" + out + (text.size() > kLongest ? "…'" : "'");
}

std::string printable(std::string_view text) { return seen(text, false); }

std::string printable_lines(std::string_view text) { return seen(text, true); }

}  // namespace gauntlet
