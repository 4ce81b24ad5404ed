// UTF-8, a character at a time.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace gauntlet {

/// What begins a text: a code point, or a byte that is no UTF-8 (then `valid` is false).
struct Character {
  uint32_t code = 0;
  size_t bytes = 1;
  bool valid = true;
};

/// Of a text that is not empty.
Character first_character(std::string_view text);

/// Whether a reader cannot see it, or it turns the direction of what follows: control characters
/// (line breaks and tabs too), marks of direction, spaces without width, tags. Joiners and
/// selectors of variants stay: scripts and emoji need them.
bool is_hidden(uint32_t code);

/// Characters on the screen: bytes that continue one take no room.
size_t width(std::string_view text);

}  // namespace gauntlet
