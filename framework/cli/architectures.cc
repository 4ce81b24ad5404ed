#include "models/architectures/architectures.h"

#include <fmt/format.h>

#include "cli/commands.h"
#include "models/architectures/build_network.h"
#include "models/network.h"

namespace gauntlet::cli {

int list_architectures() {
  for (const models::Architecture& architecture : models::architectures())
    say("{:<16} {}\n", architecture.name, architecture.summary);
  say("{:<16} {}\n{:<16} {}\n", "torchscript", "a whole program, as torch.jit.save wrote it",
      "<plugin>", "a defense plugin that builds networks (BuildsNetwork), under its own name");
  say("\nOptions of every architecture but torchscript; those of batch norm, where it has some "
      "(in sequential a layer's own: {{ type = \"batchnorm\", eps = 0.001 }}):\n");
  for (const ParamSpec& option : models::common_option_specs())
    say("  {:<20} {} ({})\n", option.name, option.help, to_text(option.fallback));
  return kOk;
}

}  // namespace gauntlet::cli
