#include "results/asked.h"

#include "results/settings.h"

namespace gauntlet::results {

Asked::Asked(const std::string& settings) {
  const Settings asked = settings_of(settings);
  for (const int64_t seed : asked.seeds)
    for (const Threat& threat : asked.threats)
      for (const Settings::Row& row : asked.defenses) {
        const auto named = [&](auto record) {
          record.suite = asked.suite, record.seed = seed;
          record.defense = row.name, record.threat = threat;
          return record;
        };
        for (const Settings::Column& column : asked.attacks) {
          cells.push_back(named(CellRecord()));
          cells.back().attack = column.name;
        }
        worst_cases.push_back(named(WorstCase()));
      }
}

}  // namespace gauntlet::results
