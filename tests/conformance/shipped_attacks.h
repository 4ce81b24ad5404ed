// The attacks that are held to what every attack promises.
#pragma once
#include <set>

#include "tests/toys/toy_model.h"

namespace gauntlet::toys {

struct Candidate {
  std::string name;
  std::unique_ptr<Attack> attack;
};

// All shipped attacks and the test-only FAB, with few steps.
inline std::vector<Candidate> attacks(int steps = 4) {
  std::set<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(build_folder() / "plugins/attacks"))
    if (entry.path().extension() == ".so") files.insert(entry.path());
  files.insert(build_folder() / "test_plugins/attacks/fab.so");
  const std::map<std::string, ParamValue> small = {
      {"steps", steps}, {"rounds", 3}, {"population", 6}, {"step_size", 0.05}, {"source", "other"}};
  std::vector<Candidate> out;
  for (const auto& file : files) {
    const Entry& entry = entry_of(file);
    ParamMap params;
    for (const ParamSpec& spec : entry.schema())
      if (const auto it = small.find(spec.name); it != small.end()) params[spec.name] = it->second;
    out.push_back({file.stem(), entry.attack(params)});
  }
  return out;
}

}  // namespace gauntlet::toys
