#include "suite/only.h"

#include <algorithm>
#include <cctype>

#include "base/shown.h"

namespace gauntlet::suite {
namespace {

// Whether a word and an equals sign stand here: the beginning of a filter, or of a misspelled one.
bool begins_filter(std::string_view text) {
  const size_t equals = text.find('=');
  return equals != std::string_view::npos && equals > 0 &&
         std::all_of(text.begin(), text.begin() + equals,
                     [](unsigned char c) { return std::isalpha(c) || c == '_'; });
}

// Commas outside of brackets part filters where another begins, and belong to a name elsewhere:
// "attack=pgd[steps=1,restarts=2],defense=AT, PGD-7" has two parts.
std::vector<std::string> parts_of(const std::string& text) {
  std::vector<std::string> parts(1);
  int depth = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    depth += c == '[' ? 1 : c == ']' ? -1 : 0;
    if (c == ',' && depth == 0 && begins_filter(std::string_view(text).substr(i + 1))) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

template <class Spec>
void filter(std::vector<Spec>& specs, const std::string& kind, const OnlyFilter& only,
            toml::Problems& problems) {
  std::vector<std::string> names;
  for (const Spec& spec : specs) names.push_back(spec.name);
  only.check(kind, names, problems);
  std::erase_if(specs, [&](const Spec& spec) { return !only.keeps(kind, spec.name); });
}
}  // namespace

bool matches_glob(std::string_view pattern, std::string_view name) {
  size_t p = 0, n = 0, star = std::string_view::npos, resume = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = n;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == name[n])) {
      ++p, ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

OnlyFilter::OnlyFilter(const std::vector<std::string>& only, toml::Problems& problems) {
  const std::vector<std::string> kinds = {"defense", "attack", "threat"};
  for (const std::string& text : only)
    for (const std::string& part : parts_of(text)) {
      const size_t equals = part.find('=');
      const std::string kind = part.substr(0, equals);
      if (equals == std::string::npos || !std::count(kinds.begin(), kinds.end(), kind)) {
        problems.add({"--only " + text},
                     "'" + part +
                         "' is no filter, expected defense=…, attack=… or "
                         "threat=…" +
                         (equals == std::string::npos ? "" : suggestion(kind, kinds)));
      } else {
        patterns_[kind].push_back(part.substr(equals + 1));
      }
    }
}

bool OnlyFilter::keeps(const std::string& kind, std::string_view name) const {
  const auto patterns = patterns_.find(kind);
  return patterns == patterns_.end() ||
         std::any_of(patterns->second.begin(), patterns->second.end(),
                     [&](const std::string& pattern) { return matches_glob(pattern, name); });
}

void OnlyFilter::check(const std::string& kind, const std::vector<std::string>& names,
                       toml::Problems& problems) const {
  const auto patterns = patterns_.find(kind);
  if (patterns == patterns_.end()) return;
  std::vector<std::string> known;  // each once, as a line can hold it
  for (const std::string& name : names)
    if (!std::count(known.begin(), known.end(), printable(name))) known.push_back(printable(name));
  for (const std::string& pattern : patterns->second)
    if (std::none_of(names.begin(), names.end(),
                     [&](const std::string& name) { return matches_glob(pattern, name); }))
      problems.add({"--only"},
                   "no " + kind + " matches '" + pattern + "'" + suggestion(pattern, known));
}

void keep_only(Suite& suite, const std::vector<std::string>& texts, toml::Problems& problems) {
  const OnlyFilter only(texts, problems);
  filter(suite.defenses, "defense", only, problems);
  for (DefenseSpec& row : suite.defenses)  // what is left out is no baseline
    if (std::none_of(suite.defenses.begin(), suite.defenses.end(),
                     [&](const DefenseSpec& other) { return other.name == row.baseline; }))
      row.baseline.clear();
  filter(suite.attacks, "attack", only, problems);
  filter(suite.threats, "threat", only, problems);
}

}  // namespace gauntlet::suite
