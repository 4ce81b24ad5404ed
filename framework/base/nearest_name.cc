#include "base/nearest_name.h"

#include <algorithm>
#include <cctype>
#include <numeric>
#include <utility>

namespace gauntlet {
namespace {
bool same(char a, char b) {
  const auto lower = [](char c) { return std::tolower(static_cast<unsigned char>(c)); };
  return lower(a) == lower(b);
}

// Letters that changed places are one mistake: "pdg" is nearer to "pgd" than to "ddn". Capitals are
// none.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    before = std::exchange(last, row);
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + !same(a[i - 1], b[j - 1])});
      if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
  }
  return row.back();
}
}  // namespace

std::string nearest_name(std::string_view wrong, const std::vector<std::string>& names) {
  size_t best = std::max<size_t>(2, wrong.size() / 3) + 1;
  std::string nearest;
  for (const std::string& name : names) {
    if (std::max(wrong.size(), name.size()) - std::min(wrong.size(), name.size()) >= best) continue;
    const size_t distance = edit_distance(wrong, name);
    if (distance < best) best = distance, nearest = name;
  }
  return nearest;
}

std::string suggestion(std::string_view wrong, const std::vector<std::string>& names) {
  if (const std::string near = nearest_name(wrong, names); !near.empty())
    return ", did you mean '" + near + "'?";
  if (names.empty()) return "";
  std::string text = "; known: ";
  for (size_t i = 0; i < std::min<size_t>(12, names.size()); ++i)
    text += (i ? ", " : "") + names[i];
  return names.size() > 12 ? text + ", …" : text;
}

}  // namespace gauntlet
