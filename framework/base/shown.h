#pragma once
#include <string>
#include <string_view>

namespace gauntlet {

/// Text out of a file as a message may quote it: in quotes, at most 200 bytes of it, '?' for what
/// is not printable ASCII.
std::string shown(std::string_view text);

/// Text of a stranger as a line of a terminal may hold it: all that would steer the terminal, turn
/// the direction of what follows or not be seen is written out (\x1b, \u202e, \n): control
/// characters, direction marks, characters of no width, line breaks, bytes that are no UTF-8.
std::string printable(std::string_view text);
/// The same of a text of several lines: line breaks and tabs stay.
std::string printable_lines(std::string_view text);

}  // namespace gauntlet
