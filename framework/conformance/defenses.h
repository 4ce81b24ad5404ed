// What every defense promises, whatever it computes.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "conformance/promise.h"
#include "gauntlet/defense.h"

namespace gauntlet::conformance {

/// A defense and how it is made. The functions throw what a plugin's constructor throws.
struct DefenseUnderTest {
  std::string name;
  Schema schema;
  ParamMap params = {};  ///< that it is made with; what costs time and is not given here is small
  std::function<std::unique_ptr<Defense>(const ParamMap&)> make;
  std::function<std::unique_ptr<Attack>(const Use&)> attack;  ///< for its fitting and training
};

/// The promises, in the order in which they are asked.
std::vector<std::string> defense_promises();
/// What became of one of them. std::out_of_range for a promise that there is not.
Answer ask_defense(const DefenseUnderTest& defense, const std::string& promise);
/// All of them; where the defense cannot answer at all, the rest is not asked.
std::vector<Answer> ask_defense(const DefenseUnderTest& defense, const Listener& listener = {});

}  // namespace gauntlet::conformance
