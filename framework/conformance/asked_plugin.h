// A plugin that is asked what it promises.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "gauntlet/attack.h"

namespace gauntlet::conformance {

/// An attack or a defense, and how it is made. The functions throw what a plugin's constructor
/// throws.
template <class Plugin>
struct PluginUnderTest {
  std::string name;
  Schema schema;
  ParamMap params = {};  ///< that it is made with; what costs time and is not given here is small
  std::function<std::unique_ptr<Plugin>(const ParamMap&)> make;
  std::function<std::unique_ptr<Attack>(const Use&)> attack;  ///< others, which it may borrow
};

}  // namespace gauntlet::conformance
