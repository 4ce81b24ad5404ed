#include "base/nearest_name.h"

#include <algorithm>
#include <numeric>

namespace gauntlet {
namespace {
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
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
