// Text as LaTeX takes it.
#pragma once
#include <string>

namespace gauntlet::reports {

/// Prints as this text whatever it holds, at the beginning of a table's row too. Western letters
/// stay UTF-8, as LaTeX reads it; Greek and signs are commands; every other character is its code
/// ("U+1F600"), a byte that is no UTF-8 its own; white space and control characters are spaces.
std::string latex(const std::string& text);
/// The same for running text: lines may break after marks inside of words ("a_b", "x=1"), and
/// anywhere in a word of more than two dozen letters without one.
std::string latex_breakable(const std::string& text);
/// The same without a character that ends a line or begins a command, for a comment.
std::string latex_comment(const std::string& text);

/// In characters as they are printed.
size_t width_of(const std::string& text);
/// For the name of a file: a to z, digits and single hyphens, at most 60 of them; may be "".
std::string slug_of(const std::string& text);

}  // namespace gauntlet::reports
