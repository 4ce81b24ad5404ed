#include "toml/toml_hints.h"

#include <algorithm>
#include <cctype>

namespace gauntlet::toml {
namespace {

// A line without its end, and the byte at which a character of it stands.
struct Place {
  std::string_view line;
  size_t byte = 0;
};

Place place_of(std::string_view text, int line, int column) {
  for (int i = 1; i < line; ++i) {
    const size_t end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  Place out{text.substr(0, text.find_first_of("\r\n"))};
  for (int seen = 1; out.byte < out.line.size(); ++out.byte)
    if ((out.line[out.byte] & 0xc0) != 0x80 && seen++ == column) break;
  return out;
}

bool is_word_letter(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-' || c == '+' ||
         c == '.' || c == '/';
}

// The bare value around a place: what stands between signs of TOML, "8 / 255" too.
std::string_view value_around(const Place& place) {
  const auto ends = [](char c) { return std::string_view("=,[]{}#\"'").find(c) < 10; };
  size_t from = std::min(place.byte, place.line.size()), to = from;
  while (from > 0 && !ends(place.line[from - 1])) --from;
  while (to < place.line.size() && !ends(place.line[to])) ++to;
  std::string_view value = place.line.substr(from, to - from);
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!value.empty() && blank(value.front())) value.remove_prefix(1);
  while (!value.empty() && blank(value.back())) value.remove_suffix(1);
  // What stands before a '=' is a key, what stands behind a quote is a text already.
  const std::string_view before = place.line.substr(0, from);
  const bool is_value =
      before.find('=') != std::string_view::npos && before.back() != '"' && before.back() != '\'';
  return is_value ? value : std::string_view();
}

bool is_number(std::string_view text) {
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  return !text.empty() && std::all_of(text.begin(), text.end(),
                                      [](unsigned char c) { return std::isdigit(c) || c == '.'; });
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return char(std::tolower(c)); });
  return out;
}
}  // namespace

std::string toml_hint(std::string_view text, int line, int column) {
  const Place place = place_of(text, line, column);
  const std::string value(value_around(place));
  if (value.empty()) return "";
  for (const char* quote : {"\u201c", "\u201d", "\u2018", "\u2019"})
    if (value.starts_with(quote)) return "; quotes are straight: \"\u2026\"";
  const size_t slash = value.find('/');
  if (slash != std::string::npos && is_number(value.substr(0, slash)) &&
      is_number(value.substr(slash + 1)))
    return "; a fraction is written in quotes: \"" + value + "\"";
  if (value[0] == '.' && is_number(value)) return "; write 0" + value;
  if (value.back() == '.' && is_number(value)) return "; write " + value + "0";
  if (!std::isalpha(static_cast<unsigned char>(value[0])) ||
      !std::all_of(value.begin(), value.end(), is_word_letter))
    return "";
  const std::string word = lower(value);
  if (word == "true" || word == "false") return value == word ? "" : "; write " + word;
  if (word == "none" || word == "null" || word == "nil") return "; leave the key out";
  return "; a text is written in quotes: \"" + value + "\"";
}

bool may_have_tiny_numbers(std::string_view text) {
  const auto digit = [&](size_t i) {
    return i < text.size() && (std::isdigit(static_cast<unsigned char>(text[i])) || text[i] == '_');
  };
  for (size_t i = text.find('-'); i != std::string_view::npos; i = text.find('-', i + 1))
    if (i > 0 && (text[i - 1] == 'e' || text[i - 1] == 'E') && digit(i + 1) && digit(i + 2) &&
        digit(i + 3))
      return true;
  return text.find(std::string(300, '0')) != std::string_view::npos;
}

std::string number_at(std::string_view text, int line, int column) {
  const Place place = place_of(text, line, column);
  const std::string_view rest = place.line.substr(std::min(place.byte, place.line.size()));
  const auto end = std::find_if_not(rest.begin(), rest.end(), is_word_letter);
  return std::string(rest.begin(), end);
}

int line_of_many_dots(std::string_view text, size_t most) {
  int line = 1;
  size_t dots = 0;
  for (const char c : text) {
    if (c == '\n') ++line;
    if (c == '.') {
      if (++dots > most) return line;
    } else if (std::string_view("\n=,#[]{}").find(c) < 8) {
      dots = 0;
    }
  }
  return 0;
}

}  // namespace gauntlet::toml
