// `gauntlet plugins check`: one plugin, held against all that plugins of its kind promise.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "conformance/promise.h"
#include "library/plugin_library.h"

namespace gauntlet::conformance {

struct PluginCheck {
  library::PluginFile file;  ///< with its stamp
  ParamMap params;           ///< that it was asked with, beside its defaults
  std::vector<Answer> answers;

  int64_t count(Answer::State state) const;
};

/// Loads the plugin and asks it. Throws BadInput for a plugin that cannot be loaded and ParamError
/// for parameters, before it asks.
PluginCheck check_plugin(const library::PluginLibrary& plugins, const std::string& kind,
                         const std::string& name, const ParamMap& params,
                         const Listener& listener = {});

/// "kept", "broken", "not asked".
const char* name_of(Answer::State state);
/// { "plugin": {…}, "parameters": "…", "kept": n, "broken": n, "not_asked": n, "promises": [{…}] }
std::string to_json(const PluginCheck& check);

}  // namespace gauntlet::conformance
