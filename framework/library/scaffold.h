// A new plugin outside the tree: what `gauntlet plugins new` writes.
#pragma once
#include <filesystem>
#include <string>

namespace gauntlet::library {

/// Writes a small working plugin into `folder`, which is made: CMakeLists.txt, source, test,
/// preset, README. `kind` is "attack" or "defense". Throws BadInput for another kind, for a name
/// that is not [a-z][a-z0-9_]*, and for a folder that holds anything already.
void write_scaffold(const std::string& kind, const std::string& name,
                    const std::filesystem::path& folder);

}  // namespace gauntlet::library
