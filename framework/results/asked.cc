#include "results/asked.h"

#include <nlohmann/json.hpp>

namespace gauntlet::results {
namespace {
using nlohmann::json;

template <typename Record>
Record named(const json& settings, const json& seed, const json& threat, const json& defense) {
  Record record;
  record.suite = settings.value("name", "");
  record.seed = seed, record.defense = defense.at("name");
  record.threat = {threat.at("name"), threat.at("norm"), threat.at("epsilon")};
  return record;
}
}  // namespace

Asked::Asked(const std::string& text) {
  const json settings = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!settings.is_object()) return;
  try {
    for (const json& seed : settings.at("seeds"))
      for (const json& threat : settings.at("threats"))
        for (const json& defense : settings.at("defenses")) {
          for (const json& attack : settings.at("attacks")) {
            cells.push_back(named<CellRecord>(settings, seed, threat, defense));
            cells.back().attack = attack.at("name");
          }
          worst_cases.push_back(named<WorstCase>(settings, seed, threat, defense));
        }
  } catch (const json::exception&) {  // not what a suite writes
    cells.clear(), worst_cases.clear();
  }
}

}  // namespace gauntlet::results
