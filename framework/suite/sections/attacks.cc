// Section attack.
#include <algorithm>

#include "suite/names.h"
#include "suite/radius.h"
#include "suite/sections/sections.h"
#include "suite/text/expand.h"

namespace gauntlet::suite {
namespace {

const std::set<std::string> kAttackKeys = {
    "use",    "cross",   "zip",         "restarts",  "draws",      "average", "goal",
    "access", "samples", "max_queries", "precision", "saturation", "division"};

template <class E, size_t N>
void read_word(toml::TableReader& reader, std::string_view key, std::optional<E>& field,
               const Name<E> (&names)[N]) {
  E value{};
  if (reader.choose(key, value, names)) field = value;
}

HostKeys read_host_keys(toml::TableReader& reader, int64_t samples) {
  HostKeys keys;
  reader.read("restarts", keys.restarts, Range{1, 999'999});
  reader.read("draws", keys.draws, Range{1, 999'999});
  read_word(reader, "average", keys.average, kAverages);
  reader.choose("goal", keys.goal, kGoals);
  read_word(reader, "access", keys.access, kAccesses);
  reader.read("max_queries", keys.max_queries, Range{0, 999'999'999'999});
  reader.choose("precision", keys.mode, kPrecisions);
  read_word(reader, "saturation", keys.saturation, kSaturations);
  read_word(reader, "division", keys.division, kDivisions);
  if (reader.read("samples", keys.samples, Range{1, 999'999'999}) && samples > 0 &&
      keys.samples > samples)
    reader.problem("samples", std::to_string(keys.samples) + " is more than the suite's " +
                                  std::to_string(samples) + " samples");
  return keys;
}

// A key that is set twice in an entry, or cannot be crossed.
void check_crossed(const toml::Toml& entry, const std::string& what, toml::Problems& problems) {
  for (const char* lists : {"cross", "zip"}) {
    const toml::Toml* table = entry.find(lists);
    if (!table || !table->get<toml::Toml::Table>()) continue;
    for (const auto& member : *table->get<toml::Toml::Table>()) {
      const std::string where = what + ": " + lists + ": '" + member.key + "' ";
      if (member.key == "use" || member.key == "base" || member.key == "cross" ||
          member.key == "zip") {
        problems.add(member.position, where + "cannot be varied; write one attack for each");
      } else if (entry.find(member.key)) {
        problems.add(member.position, where + "is also given one value");
      }
    }
  }
}

std::optional<AttackSpec> read_one(const toml::Toml& entry, const std::string& name,
                                   int64_t samples, SuiteContext& context) {
  toml::TableReader reader(entry, "attack '" + name + "'", context.problems);
  AttackSpec attack;
  attack.host = read_host_keys(reader, samples);
  if (!reader.has("use")) reader.missing("use", "the name of an attack plugin");
  if (!reader.read("use", attack.plugin)) return {};
  const auto params = context.plugins.parameters("attack", attack.plugin, reader.at("use"), entry,
                                                 kAttackKeys, reader.what());
  if (!params) return {};
  attack.params = *params;
  if (const std::string wrong = step_problem(*params, context.threats, context.shape);
      !wrong.empty())
    context.problems.add(reader.at(entry.find("step_size") ? "step_size" : "use"),
                         reader.what() + ": " + wrong);
  return attack;
}
}  // namespace

std::vector<AttackSpec> read_attacks(const toml::Toml& table, int64_t samples,
                                     SuiteContext& context) {
  std::vector<AttackSpec> out;
  std::set<std::string> names;
  const auto presets = [&] { return context.plugins.presets(); };
  for (const auto& member : with_bases(table, context.problems, presets)) {
    const std::string what = "attack '" + member.key + "'";
    check_crossed(member.value, what, context.problems);
    for (const Combination& combination : combinations(member.value, what, context.problems)) {
      toml::Toml entry = member.value;
      entry.erase("cross");
      entry.erase("zip");
      for (const auto& chosen : combination) entry.set(chosen);
      auto attack = read_one(entry, member.key, samples, context);
      if (!attack) continue;
      attack->name = member.key + label(combination);
      attack->entry = member.key;
      if (!names.insert(attack->name).second)
        context.problems.add(member.position, "two attacks are named '" + attack->name + "'");
      out.push_back(std::move(*attack));
    }
  }
  if (table.get<toml::Toml::Table>()->empty())
    context.problems.add(table.position, "attack: is empty, expected at least one");
  return out;
}

}  // namespace gauntlet::suite
