#include "base/shown.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>

namespace gauntlet {
namespace {

struct Span {
  uint32_t first, last;
};
// What steers, turns or hides text: controls, soft hyphen, direction marks, fillers, no width,
// separators of lines, annotations, tags.
constexpr std::array<Span, 14> kHidden{{{0, 0x1f},
                                        {0x7f, 0x9f},
                                        {0xad, 0xad},
                                        {0x34f, 0x34f},
                                        {0x61c, 0x61c},
                                        {0x115f, 0x1160},
                                        {0x17b4, 0x17b5},
                                        {0x180b, 0x180f},
                                        {0x200b, 0x200f},
                                        {0x2028, 0x202e},
                                        {0x2060, 0x206f},
                                        {0x3164, 0x3164},
                                        {0xfeff, 0xfeff},
                                        {0xfff9, 0xfffb}}};

bool hidden(uint32_t code) {
  if (code >= 0xe0000 && code <= 0xe0fff) return true;
  return std::any_of(kHidden.begin(), kHidden.end(),
                     [&](const Span& s) { return code >= s.first && code <= s.last; });
}

struct Letter {
  uint32_t code;
  size_t bytes;  // 0: no UTF-8
};

// The first character. Overlong forms, surrogates and what is cut off are none.
Letter first_letter(std::string_view text) {
  const auto byte = [&](size_t i) { return uint32_t(static_cast<unsigned char>(text[i])); };
  const uint32_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const size_t bytes = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < bytes) return {0, 0};
  uint32_t code = lead & (0xffu >> (bytes + 1));
  for (size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {0, 0};
    code = code << 6 | (byte(i) & 0x3f);
  }
  constexpr uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code >= 0xd800 && code <= 0xdfff;
  return code < kLeast[bytes] || surrogate || code > 0x10ffff ? Letter{0, 0} : Letter{code, bytes};
}

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
    const Letter letter = first_letter(text);
    const bool stays = lines && (letter.code == '\n' || letter.code == '\t');
    if (letter.bytes == 0) {
      out += written("\\x%02x", static_cast<unsigned char>(text[0]));
    } else if (hidden(letter.code) && !stays) {
      out += spelled(letter.code);
    } else {
      out += text.substr(0, letter.bytes);
    }
    text.remove_prefix(std::max<size_t>(1, letter.bytes));
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
