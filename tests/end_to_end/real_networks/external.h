// Where data and weights lie that are not part of the source tree.
#pragma once
#include <cstdlib>
#include <filesystem>

namespace gauntlet::testing {

inline std::filesystem::path source_dir() {
  const char* source = std::getenv("GAUNTLET_SOURCE_DIR");
  return source ? source : std::filesystem::current_path();
}
/// The folder a variable names, else the one beside the source tree.
inline std::filesystem::path external(const char* variable, const char* beside) {
  const char* folder = std::getenv(variable);
  return folder ? std::filesystem::path(folder) : source_dir().parent_path() / "shared" / beside;
}

}  // namespace gauntlet::testing
