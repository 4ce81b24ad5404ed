// What is to be known of attacks before they run.
#pragma once
#include <string>
#include <vector>

#include "evaluation/cell.h"

namespace gauntlet {

/// What the host tells of a model.
TargetFacts facts_of(const DefendedModel& model);

/// What an attack, and those inside it, say of themselves under this threat: a sentence each.
std::vector<std::string> remarks_of(const Use& attack, const ThreatModel& threat,
                                    const TargetFacts& facts, Goal goal,
                                    const PluginLibrary& plugins);
/// Why an attack inside this one has no form for this; empty: all have.
std::string unsupported_inside(const Use& attack, const ThreatModel& threat,
                               const TargetFacts& facts, Goal goal, const PluginLibrary& plugins);

/// Of a whole suite, a sentence each: columns that will be skipped, what attacks say of themselves,
/// and random rows that no gradient attack averages over draws on. Loads and probes every row.
std::vector<std::string> remarks_on(const Suite& suite, const Dataset& data, Laboratory& lab);

}  // namespace gauntlet
