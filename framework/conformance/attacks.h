// What every attack promises, whatever it computes.
#pragma once
#include <string>
#include <vector>

#include "conformance/asked_plugin.h"
#include "conformance/promise.h"
#include "gauntlet/attack.h"

namespace gauntlet::conformance {

using AttackUnderTest = PluginUnderTest<Attack>;

/// The promises, in the order in which they are asked.
std::vector<std::string> attack_promises();
/// What became of one of them. std::out_of_range for a promise that there is not.
Answer ask_attack(const AttackUnderTest& attack, const std::string& promise);
/// All of them; where the attack fails, does not end or gives what cannot be judged, the rest is
/// not asked.
std::vector<Answer> ask_attack(const AttackUnderTest& attack, const Listener& listener = {});

}  // namespace gauntlet::conformance
