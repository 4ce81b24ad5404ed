// What attacks say of themselves, asked before they run.
#pragma once
#include <string>
#include <vector>

#include "evaluation/defended_model.h"
#include "gauntlet/attack.h"
#include "library/plugin_library.h"

namespace gauntlet::evaluation {

/// Facts about a model that attacks may read.
TargetFacts facts_of(const DefendedModel& model);

/// What an attack, and those inside it, say of themselves under this threat: a sentence each. Of a
/// list of attacks, those without a form for this are left out and named here.
std::vector<std::string> remarks_of(const Use& attack, const ThreatModel& threat,
                                    const TargetFacts& facts, Goal goal,
                                    const library::PluginLibrary& plugins);
/// The most training images that an attack, or one inside it, asks for.
int64_t samples_wanted(const Use& attack, const library::PluginLibrary& plugins);
/// Why an attack inside this one has no form for this; empty: all have, and of a list some.
std::string unsupported_inside(const Use& attack, const ThreatModel& threat,
                               const TargetFacts& facts, Goal goal,
                               const library::PluginLibrary& plugins);

}  // namespace gauntlet::evaluation
