// A new plugin: what `gauntlet plugins new` writes.
#pragma once
#include <filesystem>
#include <string>

namespace gauntlet::library {

enum class ScaffoldPlace {
  kOwn,  ///< a folder that builds by itself against an installed Gauntlet
  kTree  ///< plugins/attacks/GROUP/NAME or plugins/defenses/GROUP/NAME of Gauntlet's own sources
};

/// Writes a small working plugin into `folder`, which is made: CMakeLists.txt, source, test,
/// preset, README; in a folder of its own also a suite. `kind` is "attack" or "defense". Throws
/// BadInput for another kind, for a name that is not [a-z][a-z0-9_]*, for a folder that holds
/// anything already, and for a place among Gauntlet's plugins where the build finds none.
ScaffoldPlace write_scaffold(const std::string& kind, const std::string& name,
                             const std::filesystem::path& folder);

}  // namespace gauntlet::library
