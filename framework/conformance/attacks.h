// What every attack promises, whatever it computes.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "conformance/promise.h"
#include "gauntlet/attack.h"

namespace gauntlet::conformance {

/// An attack and how it is made. The functions throw what a plugin's constructor throws.
struct AttackUnderTest {
  std::string name;
  Schema schema;
  ParamMap params = {};  ///< that it is made with; what costs time and is not given here is small
  std::function<std::unique_ptr<Attack>(const ParamMap&)> make;
  std::function<std::unique_ptr<Attack>(const Use&)> other;  ///< what it may borrow
};

/// The promises, in the order in which they are asked.
std::vector<std::string> attack_promises();
/// What became of one of them. std::out_of_range for a promise that there is not.
Answer ask_attack(const AttackUnderTest& attack, const std::string& promise);
/// All of them; where the attack fails, does not end or gives what cannot be judged, the rest is
/// not asked.
std::vector<Answer> ask_attack(const AttackUnderTest& attack, const Listener& listener = {});

}  // namespace gauntlet::conformance
