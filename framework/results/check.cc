#include "results/check.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/names.h"

namespace gauntlet::results {
namespace {

constexpr Name<Level> kLevels[] = {
    {"pass", Level::kPass}, {"warn", Level::kWarn}, {"fail", Level::kFail}};
}  // namespace

std::string to_string(Level level) { return word_for(kLevels, level); }

Level level_from_string(const std::string& name) {
  if (const auto level = value_for(kLevels, name)) return *level;
  throw std::invalid_argument("'" + name + "' is no level");
}

Level worst(const std::vector<Check>& checks) {
  Level out = Level::kPass;
  for (const Check& check : checks) out = std::max(out, check.level);
  return out;
}

void to_json(nlohmann::json& to, const Check& check) {
  to = object_of(check.finding);
  to["level"] = to_string(check.level);
}

void from_json(const nlohmann::json& from, Check& check) {
  const auto level = from.find("level");
  if (level == from.end() || !level->is_string()) throw std::invalid_argument("has no 'level'");
  check.level = level_from_string(level->get<std::string>());
  nlohmann::json finding = from;
  finding.erase("level");
  check.finding = finding.get<Finding>();
}

}  // namespace gauntlet::results
