// Checks plugins and their parameters as a suite or a recipe writes them.
#pragma once
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "library/plugin_catalogue.h"
#include "models/architectures/build_network.h"
#include "registry/registry.h"
#include "toml/toml_reader.h"

namespace gauntlet::suite {

class PluginChecker {
 public:
  /// `folder`: of relative file names that were not written in a file (--set). Keeps references.
  PluginChecker(const library::PluginCatalogue& plugins, const registry::Registry& registry,
                std::filesystem::path folder, toml::Problems& problems);

  /// All parameters of a plugin in canonical form: the keys of `table` that are not in `host_keys`,
  /// defaults for the rest. Nested plugins are checked and completed in the same way, files exist
  /// and are named from the working folder, models are in the registry. Nullopt where there is a
  /// problem.
  std::optional<ParamMap> parameters(const std::string& kind, const std::string& plugin,
                                     const toml::Position& name_position, const toml::Toml& table,
                                     const std::set<std::string>& host_keys,
                                     const std::string& what);
  /// { use = "name", … } as a whole.
  std::optional<Use> use(const std::string& kind, const toml::Toml& table,
                         const std::string& what) {
    return use(kind, table, what, inner_keys_);
  }
  /// From now on attacks may carry the keys of InnerKeys, which go among their parameters; not
  /// those nested in other attacks, which the host does not run itself.
  void allow_inner_keys() { inner_keys_ = true; }
  library::DefenseRoles roles(const Use& defense) const {
    return plugins_.roles(defense.plugin, defense.with);
  }
  /// Names of the presets that attacks may be made of.
  std::vector<std::string> presets() const;
  /// Whether a wrapper chooses parameters on validation data.
  bool wants_fit(const Use& defense) const;
  /// The wrappers of a stack, innermost first; those with a problem are left out.
  std::vector<Use> stack(const toml::Toml& list, const std::string& what);
  /// Adds a problem for each wrapper of a stack that is trained and for which the model has no
  /// tensors, or others. With `if_trained`, wrappers that were not trained with it are left alone.
  void check_learned(const registry::ModelEntry& model, const std::vector<Use>& stack,
                     const toml::Position& position, const std::string& what,
                     bool if_trained = false);
  /// A model of the registry, checked, its layer plugins' parameters completed; null after adding a
  /// problem. Each id is checked once.
  const registry::ModelEntry* model(const std::string& id, const toml::Position& position,
                                    const std::string& what);
  bool check_weights(const registry::ModelEntry& model, const toml::Position& position,
                     const std::string& what);
  /// Whether the architecture can be built (one of a plugin's is filled in) and the data agree.
  bool check_network(registry::ModelEntry& model, const toml::Position& position,
                     const std::string& what);
  /// Whether it may stand in this list of layer plugins, which is named `what`.
  bool check_layer_role(const Use& plugin, const toml::Position& position, const std::string& what);
  /// The data that models must agree with from now on; null: unknown.
  void set_data(const registry::DatasetEntry* data) { data_ = data; }
  /// Of a relative name in a file: the folder of that file.
  std::filesystem::path folder_of(const toml::Position& position) const;

 private:
  std::optional<registry::ModelEntry> checked_model(const std::string& id,
                                                    const toml::Position& position,
                                                    const std::string& what);
  std::optional<ParamValue> value(const ParamSpec& spec, const toml::Toml& given, bool is_default,
                                  const std::string& what, bool inner_keys);
  std::optional<Use> use(const std::string& kind, const toml::Toml& table, const std::string& what,
                         bool inner_keys);
  bool read_inner_keys(const toml::Toml& table, const std::string& what, ParamMap& out);
  std::optional<ParamValue> model_value(const toml::Toml& given, const std::string& where);
  std::optional<ParamValue> attacks_value(const ParamSpec& spec, const toml::Toml& given,
                                          const std::string& where, bool inner_keys,
                                          const std::string& repeating);
  std::optional<ParamValue> models_value(const ParamSpec& spec, const toml::Toml& given,
                                         const std::string& what);

  const library::PluginCatalogue& plugins_;
  const registry::Registry& registry_;
  std::filesystem::path folder_;
  toml::Problems& problems_;
  const registry::DatasetEntry* data_ = nullptr;
  bool inner_keys_ = false;
  std::map<std::string, std::optional<registry::ModelEntry>> models_;
};

}  // namespace gauntlet::suite
