/// @file
/// All that a plugin includes: the interfaces, and the macro that makes a struct a plugin.
///
/// A plugin is one struct in an anonymous namespace with a nested `Params` and a member `p` of it,
/// then GAUNTLET_ATTACK or GAUNTLET_DEFENSE. Nothing else of the library is exported.
#pragma once
#include <torch/version.h>

#include "gauntlet/abi_digest.h"
#include "gauntlet/attack.h"
#include "gauntlet/defense.h"
#include "gauntlet/network_builder.h"
#include "gauntlet/training.h"

namespace gauntlet {

/// The C++ side of a plugin; the host touches it only after the stamp matched its own. Both
/// functions throw ParamError.
struct Entry {
  Schema (*schema)();                                    ///< its parameters
  std::unique_ptr<Attack> (*attack)(const ParamMap&);    ///< one of its own; null in a defense
  std::unique_ptr<Defense> (*defense)(const ParamMap&);  ///< one of its own; null in an attack
};

namespace detail {
template <class Base, class Plugin>
std::unique_ptr<Base> make(const ParamMap& values) {
  auto plugin = std::make_unique<Plugin>();
  plugin->p = bind<typename Plugin::Params>(values);
  return plugin;
}
template <class Base, class Plugin>
constexpr Entry entry_of() {
  static_assert(std::is_base_of_v<Base, Plugin>,
                "GAUNTLET_ATTACK needs a gauntlet::Attack, GAUNTLET_DEFENSE a gauntlet::Defense");
  Entry entry{&schema_of<typename Plugin::Params>, nullptr, nullptr};
  if constexpr (std::is_same_v<Base, Attack>) entry.attack = &make<Base, Plugin>;
  if constexpr (std::is_same_v<Base, Defense>) entry.defense = &make<Base, Plugin>;
  return entry;
}
}  // namespace detail
}  // namespace gauntlet

/// GAUNTLET_ATTACK(Class, "name", "1.0.0", "one line"): last line of an attack's source file.
#define GAUNTLET_ATTACK(Class, name, version, summary) \
  GAUNTLET_PLUGIN_(::gauntlet::Attack, "attack", Class, name, version, summary)
/// GAUNTLET_DEFENSE(Class, "name", "1.0.0", "one line"): last line of a defense's source file.
#define GAUNTLET_DEFENSE(Class, name, version, summary) \
  GAUNTLET_PLUGIN_(::gauntlet::Defense, "defense", Class, name, version, summary)

// A name, version or summary too long for its field does not compile.
#define GAUNTLET_STAMP_(kind, name, version, summary)                                 \
  {                                                                                   \
    GAUNTLET_MAGIC, sizeof(gauntlet_stamp), GAUNTLET_ABI_DIGEST, kind, name, version, \
        TORCH_VERSION, GAUNTLET_STDLIB, __VERSION__, summary                          \
  }
#define GAUNTLET_PLUGIN_(Base, kind, Class, name, version, summary)                           \
  extern "C" __attribute__((visibility("default"), used, section(".gauntlet")))               \
  const gauntlet_stamp gauntlet_plugin_stamp = GAUNTLET_STAMP_(kind, name, version, summary); \
  extern "C" __attribute__((visibility("default"), used))                                     \
  const ::gauntlet::Entry gauntlet_plugin_entry = ::gauntlet::detail::entry_of<Base, Class>()
