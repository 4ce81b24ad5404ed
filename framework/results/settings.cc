#include "results/settings.h"

#include <nlohmann/json.hpp>

namespace gauntlet::results {
namespace {
using nlohmann::json;

const json& at(const json& table, const char* key) {
  static const json none;
  if (!table.is_object()) return none;
  const auto found = table.find(key);
  return found == table.end() ? none : *found;
}
std::string text_of(const json& value) {
  return value.is_string() ? value.get<std::string>() : std::string();
}
std::string text_at(const json& table, const char* key) { return text_of(at(table, key)); }

// each(element) for the elements of a list, nothing for anything else.
template <class Each>
void for_all(const json& list, Each each) {
  if (list.is_array())
    for (const json& element : list) each(element);
}
}  // namespace

Settings settings_of(const std::string& text) {
  const json all = json::parse(text, nullptr, /*allow_exceptions=*/false);
  Settings out;
  out.suite = text_at(all, "name");
  for_all(at(all, "seeds"), [&](const json& seed) {
    if (seed.is_number_integer()) out.seeds.push_back(seed);
  });
  for_all(at(all, "threats"), [&](const json& threat) {
    const json& epsilon = at(threat, "epsilon");
    if (epsilon.is_number())
      out.threats.push_back({text_at(threat, "name"), text_at(threat, "norm"), epsilon});
  });
  for_all(at(all, "defenses"), [&](const json& row) {
    out.defenses.push_back({text_at(row, "name"), text_at(row, "baseline")});
  });
  for_all(at(all, "attacks"), [&](const json& column) {
    out.attacks.push_back({text_at(column, "name"), at(column, "additional") == json(true)});
  });
  const json& data = at(all, "data");
  out.data.sha256 = text_at(data, "sha256");
  for_all(at(data, "classes"),
          [&](const json& name) { out.data.classes.push_back(text_of(name)); });
  out.data.images = text_at(data, "images");
  out.data.images_sha256 = text_at(data, "images_sha256");
  out.last_iterate = text_at(at(all, "scoring"), "success") == "final";
  out.board = text_at(at(all, "board"), "id");
  out.board_sha256 = text_at(at(all, "board"), "sha256");
  return out;
}

}  // namespace gauntlet::results
