#include "library/plugin_catalogue.h"

#include "base/invalid_result.h"
#include "gauntlet/training.h"

namespace gauntlet::library {

std::vector<std::string> LibraryCatalogue::names(const std::string& kind) const {
  return library_.names(kind);
}

Schema LibraryCatalogue::schema(const std::string& kind, const std::string& name) const {
  return library_.schema(kind, name);
}

DefenseRoles LibraryCatalogue::roles(const std::string& defense, const ParamMap& params) const {
  std::unique_ptr<Defense> plugin;
  try {
    plugin = library_.defense(defense, params);
  } catch (const PluginFailure&) {  // what is wrong is told when its row is prepared
    DefenseRoles any;
    any.layers = any.wraps = true;
    return any;
  }
  const auto is = [&]<class Ability>(const Ability*) {
    return dynamic_cast<const Ability*>(plugin.get()) != nullptr;
  };
  DefenseRoles roles;
  roles.layers = is(static_cast<PerturbsLayers*>(nullptr));
  roles.trains = is(static_cast<Trains*>(nullptr));
  roles.votes = is(static_cast<Votes*>(nullptr));
  roles.refuses = is(static_cast<Refuses*>(nullptr));
  roles.certifies = is(static_cast<Certifies*>(nullptr));
  roles.transforms = is(static_cast<TransformsInput*>(nullptr));
  roles.learns = is(static_cast<Learns*>(nullptr));
  roles.wraps = roles.votes || roles.refuses || roles.certifies || roles.transforms;
  return roles;
}

std::shared_ptr<Defense> LibraryCatalogue::defense(const std::string& name,
                                                   const ParamMap& params) const {
  return library_.defense(name, params);
}

std::vector<std::string> LibraryCatalogue::refusals(const std::string& kind) const {
  std::vector<std::string> out;
  for (const PluginFile& file : library_.files())
    if (!file.refusal.empty() && !file.hidden && file.stamp && file.stamp->kind == kind)
      out.push_back(file.refusal);
  return out;
}

std::filesystem::path LibraryCatalogue::preset(const std::string& kind,
                                               const std::string& name) const {
  return std::filesystem::path(library_.file(kind, name).path).replace_extension(".toml");
}

}  // namespace gauntlet::library
