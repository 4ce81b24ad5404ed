// Runs suites with the shipped plugins on a network written by the test.
#pragma once
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "base/sha256.h"
#include "execution/run_suite.h"
#include "models/safetensors.h"

namespace gauntlet::testing {

inline std::filesystem::path from_environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : ".";
}

/// A folder that is gone after the test.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "gauntlet-test-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  operator const std::filesystem::path&() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

inline PluginLibrary shipped_plugins() {
  return PluginLibrary({from_environment("GAUNTLET_BUILD_DIR") / "plugins"});
}

/// All records of a run with their outcomes, in the order of the suite.
inline Store::Run run(const Suite& suite, const PluginLibrary& plugins, const Registry& registry,
                      const std::filesystem::path& folder, const RunOptions& options,
                      RunSummary* summary = nullptr) {
  Store store(folder);
  RunEvents silent;
  const RunSummary done = run_suite(suite, plugins, registry, store, options, silent);
  if (summary) *summary = done;
  Store::Run records = store.latest_run();
  for (CellRecord& cell : records.cells)
    cell.outcomes = store.outcomes(cell.identity, cell.fingerprint);
  return records;
}

}  // namespace gauntlet::testing
