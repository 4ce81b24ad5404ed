// What people write that is no TOML, told from the text around a mistake.
#pragma once
#include <string>
#include <string_view>

namespace gauntlet::toml {

/// What was probably meant where a TOML reader stopped (line and column from 1, in characters):
/// "; a fraction is written in quotes: \"8/255\"". "" where there is nothing to say.
std::string toml_hint(std::string_view text, int line, int column);

/// Whether a number of the text may be nearer to 0 than a float can be: an exponent of three digits
/// or 300 zeros.
bool may_have_tiny_numbers(std::string_view text);
/// The number that begins there, as it is written.
std::string number_at(std::string_view text, int line, int column);

/// The first line on which more dots follow each other than `most` without a sign that ends a key:
/// a key of that many parts, which no reader should take apart. 0: none.
int line_of_many_dots(std::string_view text, size_t most);

}  // namespace gauntlet::toml
