// What every defense promises, whatever it computes.
#pragma once
#include <string>
#include <vector>

#include "conformance/asked_plugin.h"
#include "conformance/promise.h"
#include "gauntlet/defense.h"

namespace gauntlet::conformance {

using DefenseUnderTest = PluginUnderTest<Defense>;

/// The promises, in the order in which they are asked.
std::vector<std::string> defense_promises();
/// What became of one of them. std::out_of_range for a promise that there is not.
Answer ask_defense(const DefenseUnderTest& defense, const std::string& promise);
/// All of them; where the defense cannot answer at all, the rest is not asked.
std::vector<Answer> ask_defense(const DefenseUnderTest& defense, const Listener& listener = {});

}  // namespace gauntlet::conformance
