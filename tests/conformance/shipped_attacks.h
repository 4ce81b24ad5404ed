// The plugins that are held to what every plugin of their kind promises.
#pragma once
#include <set>

#include "conformance/asked_plugin.h"
#include "conformance/promise.h"
#include "tests/toys/toy_model.h"

namespace gauntlet::toys {

/// The files of all plugins that ship, by path; kind: "attacks" or "defenses".
inline std::vector<std::filesystem::path> plugin_files(const std::string& kind) {
  std::set<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(build_folder() / "plugins" / kind))
    if (entry.path().extension() == ".so") files.insert(entry.path());
  return {files.begin(), files.end()};
}
/// All shipped attacks.
inline std::vector<std::filesystem::path> attack_files() { return plugin_files("attacks"); }

/// A plugin of the build; make: of its entry, such as &Entry::attack.
template <class Plugin>
PluginUnderTest<Plugin> under_test(const std::filesystem::path& file,
                                   std::unique_ptr<Plugin> (*Entry::*make)(const ParamMap&)) {
  const Entry& entry = entry_of(file);
  return {file.stem(), entry.schema(), {}, entry.*make, [](const Use& use) {
            return toys::attack(use.plugin, use.with);
          }};
}

struct Candidate {
  std::string name;
  std::unique_ptr<Attack> attack;
};
/// All of them, with few steps.
inline std::vector<Candidate> attacks(int64_t steps = 4) {
  std::vector<Candidate> out;
  for (const auto& file : attack_files()) {
    const Entry& entry = entry_of(file);
    out.push_back({file.stem(), entry.attack(small_parameters(entry.schema(), {}, steps))});
  }
  return out;
}

}  // namespace gauntlet::toys
