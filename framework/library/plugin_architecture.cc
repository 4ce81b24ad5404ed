#include "library/plugin_architecture.h"

#include <algorithm>

#include "base/bad_input.h"
#include "gauntlet/network_builder.h"
#include "models/architectures/architectures.h"
#include "models/architectures/build_network.h"

namespace gauntlet::library {

models::NetworkSpec with_architecture(models::NetworkSpec spec, const PluginCatalogue& plugins) {
  const auto is_in = [&](const std::vector<std::string>& names) {
    return std::count(names.begin(), names.end(), spec.architecture) > 0;
  };
  if (spec.builds || is_in(models::architecture_names()) || !is_in(plugins.names("defense")))
    return spec;
  ParamMap options = spec.options;
  for (const std::string& name : models::common_option_names()) options.erase(name);
  std::shared_ptr<Defense> plugin;
  try {
    plugin = plugins.defense(spec.architecture,
                             resolve(plugins.schema("defense", spec.architecture), options));
  } catch (const ParamError& problem) {
    throw BadInput(spec.architecture + ": " + problem.what());
  }
  if (!dynamic_cast<BuildsNetwork*>(plugin.get()))
    throw BadInput("architecture: the plugin '" + spec.architecture +
                   "' builds no networks; expected one that does, or one of the architectures of "
                   "'gauntlet models architectures'");
  spec.builds = [plugin](NetworkBuilder& builder) {
    dynamic_cast<BuildsNetwork&>(*plugin).build(builder);
  };
  return spec;
}

}  // namespace gauntlet::library
