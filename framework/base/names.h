// The words that stand for an enum's values in files, said once: read and written by one table.
#pragma once
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gauntlet {

/// A table of names is an array of these, in the order in which errors list them.
template <class E>
using Name = std::pair<std::string_view, E>;

/// Throws std::invalid_argument for a value without a word.
template <class E, std::size_t N>
std::string word_for(const Name<E> (&names)[N], E value) {
  for (const auto& [word, own] : names)
    if (own == value) return std::string(word);
  throw std::invalid_argument("no word for the value " + std::to_string(static_cast<int>(value)));
}

/// nullopt where the word is none of these.
template <class E, std::size_t N>
std::optional<E> value_for(const Name<E> (&names)[N], std::string_view word) {
  for (const auto& [own, value] : names)
    if (own == word) return value;
  return std::nullopt;
}

template <class E, std::size_t N>
std::vector<std::string> words_of(const Name<E> (&names)[N]) {
  std::vector<std::string> out;
  for (const auto& [word, value] : names) out.emplace_back(word);
  return out;
}

}  // namespace gauntlet
