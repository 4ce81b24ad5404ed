#include "base/board_terms.h"

#include <algorithm>
#include <charconv>
#include <stdexcept>
#include <string_view>

#include "base/shown.h"

namespace gauntlet {
namespace {
constexpr std::string_view kNameLetters = "abcdefghijklmnopqrstuvwxyz0123456789-";
}  // namespace

bool is_column_of(const std::string& column, const std::string& entry) {
  return column == entry || column.starts_with(entry + "[");
}

bool is_file_name(const std::string& text) {
  return !text.empty() && text.size() <= kLongestFileName && text.front() != '-' &&
         text.find_first_not_of(kNameLetters) == std::string::npos;
}

std::string to_string(Division division) { return word_for(kDivisions, division); }

Division division_from_string(const std::string& name) {
  if (const auto division = value_for(kDivisions, name)) return *division;
  throw std::invalid_argument("is " + shown(name) +
                              ", expected deterministic, randomized or certified");
}

std::string to_string(const BoardName& board) {
  return board.name + "@" + std::to_string(board.version);
}

BoardName board_name_from_string(const std::string& text) {
  const size_t at = std::min(text.find('@'), text.size());
  BoardName out{text.substr(0, at), 0};
  const char *first = text.data() + std::min(at + 1, text.size()),
             *last = text.data() + text.size();
  const auto [end, error] = std::from_chars(first, last, out.version);
  // Written in one way only: no sign, no leading zero.
  if (!is_file_name(out.name) || error != std::errc() || end != last || out.version < 1 ||
      to_string(out) != text)
    throw std::invalid_argument("is " + shown(text) +
                                ", expected a board's name and version as fashion-linf@1");
  return out;
}

std::optional<BoardName> newest_version(const std::vector<BoardName>& boards,
                                        const std::string& name) {
  std::optional<BoardName> newest;
  for (const BoardName& board : boards)
    if (board.name == name && (!newest || *newest < board)) newest = board;
  return newest;
}

}  // namespace gauntlet
