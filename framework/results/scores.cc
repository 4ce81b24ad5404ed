#include "results/scores.h"

#include <array>
#include <charconv>
#include <stdexcept>
#include <string_view>

namespace gauntlet::results {
namespace {
// Between the two lists; numbers end with a space each.
constexpr char kBorder = '|';

void append(std::string& text, const std::vector<double>& list) {
  std::array<char, 32> digits{};
  for (const double value : list) {
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    text.append(digits.data(), end) += ' ';
  }
}

std::vector<double> list_of(std::string_view text) {
  std::vector<double> out;
  while (!text.empty()) {
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const auto length = size_t(end - text.data());
    if (error != std::errc() || length >= text.size() || text[length] != ' ')
      throw std::invalid_argument("a list of scores holds what is no number");
    out.push_back(value);
    text.remove_prefix(length + 1);
  }
  return out;
}
}  // namespace

std::string to_text(const Scores& scores) {
  if (scores.empty()) return "";
  std::string text;
  append(text, scores.clean);
  text += kBorder;
  append(text, scores.attacked);
  return text;
}

Scores scores_from_text(const std::string& text) {
  if (text.empty()) return {};
  const size_t border = text.find(kBorder);
  if (border == std::string::npos)
    throw std::invalid_argument("scores are not those of two lists of inputs");
  const std::string_view all = text;
  return {list_of(all.substr(0, border)), list_of(all.substr(border + 1))};
}

}  // namespace gauntlet::results
