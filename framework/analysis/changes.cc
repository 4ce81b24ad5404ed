#include "analysis/changes.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "results/leaf.h"

namespace gauntlet::analysis {
namespace {
using nlohmann::json;

bool is_list_of_entries(const json& value) {
  return value.is_array() && !value.empty() &&
         std::all_of(value.begin(), value.end(), [](const json& v) { return v.is_object(); });
}

void flatten(const json& value, const std::string& path, std::map<std::string, std::string>& out) {
  if (results::is_chosen(value)) {
    out[path] = results::value_of(value).dump();
  } else if (value.is_object()) {
    for (const auto& [name, inner] : value.items())
      flatten(inner, path.empty() ? name : path + "." + name, out);
  } else if (is_list_of_entries(value)) {
    for (size_t i = 0; i < value.size(); ++i) {
      const bool named = value[i].contains("name") && value[i]["name"].is_string();
      const std::string entry = named ? value[i]["name"].get<std::string>() : std::to_string(i + 1);
      flatten(value[i], path + "[" + entry + "]", out);
    }
  } else {
    out[path] = value.dump();
  }
}

std::map<std::string, std::string> leaves_of(const std::string& text) {
  const json value = json::parse(text, nullptr, /*allow_exceptions=*/false);
  std::map<std::string, std::string> out;
  if (value.is_object()) flatten(value, "", out);
  return out;
}
}  // namespace

std::vector<Change> changes_between(const std::string& a, const std::string& b) {
  const std::map<std::string, std::string> before = leaves_of(a), after = leaves_of(b);
  std::vector<Change> out;
  for (const auto& [what, text] : before) {
    const auto place = after.find(what);
    const std::string other = place == after.end() ? "" : place->second;
    if (text != other) out.push_back({what, text, other});
  }
  for (const auto& [what, text] : after)
    if (!before.contains(what)) out.push_back({what, "", text});
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace gauntlet::analysis
