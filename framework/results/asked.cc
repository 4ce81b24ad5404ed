#include "results/asked.h"

#include "results/settings.h"

namespace gauntlet::results {

Asked::Asked(const std::string& text) {
  const Settings settings = settings_of(text);
  for (const int64_t seed : settings.seeds)
    for (const Threat& threat : settings.threats)
      for (const Settings::Row& row : settings.defenses) {
        const auto named = [&](auto record) {
          record.suite = settings.suite, record.seed = seed;
          record.defense = row.name, record.threat = threat;
          return record;
        };
        for (const Settings::Column& column : settings.attacks) {
          cells.push_back(named(CellRecord()));
          cells.back().attack = column.name;
        }
        worst_cases.push_back(named(WorstCase()));
      }
}

}  // namespace gauntlet::results
