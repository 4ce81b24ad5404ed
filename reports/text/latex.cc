#include "reports/text/latex.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <string_view>
#include <vector>

#include "base/utf8.h"

namespace gauntlet::reports {
namespace {

constexpr size_t kLongestSlug = 60;
constexpr size_t kLongestWord = 24;  // characters that a line holds unbroken

/// ASCII that means something to LaTeX, or that its fonts join to another character.
const std::map<char, std::string>& special_ascii() {
  static const std::map<char, std::string> table = {{'\\', "\\textbackslash{}"},
                                                    {'{', "\\{"},
                                                    {'}', "\\}"},
                                                    {'#', "\\#"},
                                                    {'$', "\\$"},
                                                    {'%', "\\%"},
                                                    {'&', "\\&"},
                                                    {'_', "\\_"},
                                                    {'~', "\\textasciitilde{}"},
                                                    {'^', "\\textasciicircum{}"},
                                                    {'<', "\\textless{}"},
                                                    {'>', "\\textgreater{}"},
                                                    {'|', "\\textbar{}"},
                                                    {'"', "\\textquotedbl{}"},
                                                    {'`', "\\textasciigrave{}"},
                                                    {'\'', "\\textquotesingle{}"},
                                                    {'-', "{-}"},
                                                    {',', "{,}"},
                                                    {'[', "{[}"},
                                                    {']', "{]}"},
                                                    {'*', "{*}"}};
  return table;
}

/// Greek as mathematics has it, the signs that names of threats and sweeps use, and punctuation.
const std::map<uint32_t, std::string>& special_unicode() {
  static const std::map<uint32_t, std::string> table = [] {
    std::map<uint32_t, std::string> out = {{0xa0, "~"},
                                           {0xb0, "$^\\circ$"},
                                           {0xb1, "$\\pm$"},
                                           {0xb2, "$^2$"},
                                           {0xb3, "$^3$"},
                                           {0xb5, "$\\mu$"},
                                           {0xb7, "$\\cdot$"},
                                           {0xb9, "$^1$"},
                                           {0xd7, "$\\times$"},
                                           {0xf7, "$\\div$"},
                                           {0x2013, "--"},
                                           {0x2014, "---"},
                                           {0x2018, "`"},
                                           {0x2019, "'"},
                                           {0x201c, "``"},
                                           {0x201d, "''"},
                                           {0x2026, "\\dots{}"},
                                           {0x2070, "$^0$"},
                                           {0x2113, "$\\ell$"},
                                           {0x2190, "$\\leftarrow$"},
                                           {0x2192, "$\\rightarrow$"},
                                           {0x2208, "$\\in$"},
                                           {0x2212, "$-$"},
                                           {0x221a, "$\\surd$"},
                                           {0x221e, "$\\infty$"},
                                           {0x2248, "$\\approx$"},
                                           {0x2260, "$\\neq$"},
                                           {0x2264, "$\\leq$"},
                                           {0x2265, "$\\geq$"},
                                           {0xab, "\\guillemotleft{}"},
                                           {0xbb, "\\guillemotright{}"}};
    for (uint32_t i = 4; i < 10; ++i) out[0x2070 + i] = fmt::format("$^{}$", i);
    for (uint32_t i = 0; i < 10; ++i) out[0x2080 + i] = fmt::format("$_{}$", i);
    const char* greek[] = {"alpha",  "beta", "gamma", "delta",    "varepsilon", "zeta", "eta",
                           "theta",  "iota", "kappa", "lambda",   "mu",         "nu",   "xi",
                           "",       "pi",   "rho",   "varsigma", "sigma",      "tau",  "upsilon",
                           "varphi", "chi",  "psi",   "omega"};
    for (uint32_t i = 0; i < std::size(greek); ++i)
      out[0x3b1 + i] = *greek[i] ? fmt::format("$\\{}$", greek[i]) : "o";
    for (const auto& [code, name] :
         std::initializer_list<std::pair<uint32_t, const char*>>{{0x393, "Gamma"},
                                                                 {0x394, "Delta"},
                                                                 {0x398, "Theta"},
                                                                 {0x39b, "Lambda"},
                                                                 {0x39e, "Xi"},
                                                                 {0x3a0, "Pi"},
                                                                 {0x3a3, "Sigma"},
                                                                 {0x3a6, "Phi"},
                                                                 {0x3a8, "Psi"},
                                                                 {0x3a9, "Omega"},
                                                                 {0x3f5, "epsilon"}})
      out[code] = fmt::format("$\\{}$", name);
    return out;
  }();
  return table;
}

/// Western letters that LaTeX reads as they are.
bool is_known_letter(uint32_t code) {
  const auto none = {0xd7, 0xf7, 0x126, 0x127, 0x138, 0x13f, 0x140, 0x149, 0x166, 0x167, 0x17f};
  return code >= 0xc0 && code < 0x180 && !std::count(none.begin(), none.end(), int(code));
}

std::string latex_of(const Character& c, std::string_view bytes) {
  if (!c.valid) return fmt::format("\\texttt{{0x{:02X}}}", c.code);
  if (c.code < 0x20 || c.code == 0x7f) return " ";
  if (c.code < 0x80) {
    const auto special = special_ascii().find(char(c.code));
    return special == special_ascii().end() ? std::string(1, char(c.code)) : special->second;
  }
  if (const auto found = special_unicode().find(c.code); found != special_unicode().end())
    return found->second;
  if (is_known_letter(c.code)) return std::string(bytes);
  return fmt::format("\\texttt{{U+{:04X}}}", c.code);
}

/// Calls `each` with every character and what LaTeX writes for it.
template <typename Each>
void visit_characters(std::string_view text, Each each) {
  while (!text.empty()) {
    const Character c = first_character(text);
    each(c, latex_of(c, text.substr(0, c.bytes)));
    text.remove_prefix(c.bytes);
  }
}

/// Whether a line may break between two characters: after a mark, but not within "8/255" or "0.1".
bool is_break(const Character& c, const Character& next) {
  if (!c.valid || c.code >= 0x80) return false;
  const auto is_digit = [](const Character& each) { return each.code >= '0' && each.code <= '9'; };
  return !is_digit(next) &&
         std::string_view(" _/-=,;:+|)]}>").find(char(c.code)) != std::string_view::npos;
}

}  // namespace

std::string latex(const std::string& text) {
  std::string out;
  visit_characters(text, [&](const Character&, const std::string& written) { out += written; });
  return out;
}

std::string latex_breakable(const std::string& text) {
  std::vector<Character> all;
  std::vector<std::string> written;
  visit_characters(text, [&](const Character& c, const std::string& each) {
    all.push_back(c), written.push_back(each);
  });
  std::string out;
  for (size_t begin = 0; begin < all.size();) {
    size_t end = begin + 1;  // of what no line breaks by itself
    while (end < all.size() && !is_break(all[end - 1], all[end])) ++end;
    for (size_t i = begin; i < end; ++i) {
      const bool is_last = i + 1 == end;
      const bool inside = !is_last && all[i + 1].code != ' ' && end - begin > kLongestWord;
      const bool at_mark = is_last && end < all.size() && all[i].code != ' ';
      out += written[i] + (inside || at_mark ? "\\allowbreak{}" : "");
    }
    begin = end;
  }
  return out;
}

std::string latex_comment(const std::string& text) {
  std::string out = text;
  for (char& c : out)
    if (uint8_t(c) < 0x20 || uint8_t(c) >= 0x7f) c = ' ';
  return out;
}

size_t width_of(const std::string& text) {
  size_t width = 0;
  visit_characters(text, [&](const Character& c, const std::string& written) {
    width += written.starts_with("\\texttt") ? (c.valid ? 7 : 4) : 1;
  });
  return width;
}

std::string slug_of(const std::string& text) {
  std::string slug;
  for (const char c : text) {
    if (std::isalnum(uint8_t(c)) && uint8_t(c) < 0x80) {
      slug += char(std::tolower(c));
    } else if (!slug.empty() && slug.back() != '-') {
      slug += '-';
    }
    if (slug.size() == kLongestSlug) break;
  }
  while (!slug.empty() && slug.back() == '-') slug.pop_back();
  return slug;
}

}  // namespace gauntlet::reports
