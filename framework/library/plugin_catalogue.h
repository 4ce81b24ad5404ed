// What a suite must know of plugins, so that suites can be checked without any library.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "gauntlet/params.h"
#include "library/plugin_library.h"

namespace gauntlet::library {

/// Where a defense plugin can stand.
struct DefenseRoles {
  bool layers = false;      ///< inside layers: a model entry's layer_plugins
  bool trains = false;      ///< in a training recipe
  bool wraps = false;       ///< in a stack
  bool transforms = false;  ///< changes the input there, without a vote
  bool votes = false;       ///< a stack has at most one of these
  bool refuses = false;     ///< and one of these
  bool certifies = false;   ///< and one of these
  bool learns = false;      ///< has tensors of its own, which are trained with a network
};

/// Names, parameters and roles of plugins.
class PluginCatalogue {
 public:
  virtual ~PluginCatalogue() = default;
  /// Usable plugins of a kind ("attack" or "defense"), sorted.
  virtual std::vector<std::string> names(const std::string& kind) const = 0;
  /// Throws BadInput if there is no such plugin, with the nearest name or why it was refused.
  virtual Schema schema(const std::string& kind, const std::string& name) const = 0;
  /// `params` are complete and canonical.
  virtual DefenseRoles roles(const std::string& defense, const ParamMap& params) const = 0;
  /// The plugin itself; `params` as for roles().
  virtual std::shared_ptr<Defense> defense(const std::string& name,
                                           const ParamMap& params) const = 0;
  /// Why files of a kind are not usable, a sentence each; not those that another one hides.
  virtual std::vector<std::string> refusals(const std::string& kind) const = 0;
  /// The preset of a usable plugin: NAME.toml beside its library, which need not be there.
  virtual std::filesystem::path preset(const std::string& kind, const std::string& name) const = 0;
};

/// A PluginLibrary as a catalogue; loads the plugins it is asked about.
class LibraryCatalogue final : public PluginCatalogue {
 public:
  explicit LibraryCatalogue(const PluginLibrary& library) : library_(library) {}
  std::vector<std::string> names(const std::string& kind) const override;
  Schema schema(const std::string& kind, const std::string& name) const override;
  DefenseRoles roles(const std::string& defense, const ParamMap& params) const override;
  std::shared_ptr<Defense> defense(const std::string& name, const ParamMap& params) const override;
  std::vector<std::string> refusals(const std::string& kind) const override;
  std::filesystem::path preset(const std::string& kind, const std::string& name) const override;

 private:
  const PluginLibrary& library_;
};

}  // namespace gauntlet::library
