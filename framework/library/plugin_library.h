// Finding, checking and loading plugin libraries.
#pragma once
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gauntlet/plugin.h"
#include "library/stamp.h"

namespace gauntlet::library {

/// All plugins of a search path. Construction reads stamps only; a library is loaded when it is
/// first used and never unloaded.
class PluginLibrary {
 public:
  /// Each entry is a folder (searched recursively for *.so) or a file. Of two plugins with one name
  /// in one folder neither is usable (duplicate name); an earlier path entry wins over a later one.
  explicit PluginLibrary(const std::vector<std::filesystem::path>& search);
  ~PluginLibrary();

  const std::vector<PluginFile>& files() const;
  /// Usable plugins of a kind ("attack" or "defense"), sorted.
  std::vector<std::string> names(const std::string& kind) const;
  bool has(const std::string& kind, const std::string& name) const;
  /// BadInput if there is no such plugin (with the nearest name, or why the file of that name was
  /// refused). Loads nothing.
  const PluginFile& file(const std::string& kind, const std::string& name) const;
  /// These load the library. BadInput as above, or if it cannot be loaded; ParamError for
  /// parameters; PluginFailure where its constructor throws.
  const Schema& schema(const std::string& kind, const std::string& name) const;
  std::unique_ptr<Attack> attack(const std::string& name, const ParamMap& params) const;
  std::unique_ptr<Defense> defense(const std::string& name, const ParamMap& params) const;
  /// SHA-256 of the plugin's file. Loads nothing.
  std::string digest(const std::string& kind, const std::string& name) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The search path of a run: --plugin-path, GAUNTLET_PLUGIN_PATH (colon-separated), then the
/// plugins built or installed with the host.
std::vector<std::filesystem::path> plugin_search_path(const std::vector<std::string>& flags);

}  // namespace gauntlet::library
