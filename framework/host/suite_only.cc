#include "host/suite_only.h"

#include <algorithm>
#include <map>

namespace gauntlet {
namespace {

// Commas outside of brackets: "attack=pgd[steps=1,restarts=2],defense=a" has two parts.
std::vector<std::string> parts_of(const std::string& text) {
  std::vector<std::string> parts(1);
  int depth = 0;
  for (const char c : text) {
    depth += c == '[' ? 1 : c == ']' ? -1 : 0;
    if (c == ',' && depth == 0) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

template <class Spec>
void filter(std::vector<Spec>& specs, const std::string& kind,
            const std::vector<std::string>& patterns, const Position& position,
            Problems& problems) {
  if (patterns.empty()) return;
  std::vector<std::string> names;
  for (const Spec& spec : specs) names.push_back(spec.name);
  for (const std::string& pattern : patterns)
    if (std::none_of(names.begin(), names.end(),
                     [&](const std::string& name) { return matches_glob(pattern, name); }))
      problems.add(position,
                   "no " + kind + " matches '" + pattern + "'" + suggestion(pattern, names));
  std::erase_if(specs, [&](const Spec& spec) {
    return std::none_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) {
      return matches_glob(pattern, spec.name);
    });
  });
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

void keep_only(Suite& suite, const std::vector<std::string>& only, Problems& problems) {
  const std::vector<std::string> kinds = {"defense", "attack", "threat"};
  std::map<std::string, std::vector<std::string>> patterns;
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
        patterns[kind].push_back(part.substr(equals + 1));
      }
    }
  filter(suite.defenses, "defense", patterns["defense"], {"--only"}, problems);
  for (DefenseSpec& row : suite.defenses)  // what is left out is no baseline
    if (std::none_of(suite.defenses.begin(), suite.defenses.end(),
                     [&](const DefenseSpec& other) { return other.name == row.baseline; }))
      row.baseline.clear();
  filter(suite.attacks, "attack", patterns["attack"], {"--only"}, problems);
  filter(suite.threats, "threat", patterns["threat"], {"--only"}, problems);
}

}  // namespace gauntlet
