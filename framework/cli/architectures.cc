#include "models/architectures.h"

#include <fmt/format.h>

#include "cli/commands.h"

namespace gauntlet::cli {

int list_architectures() {
  for (const Architecture& architecture : architectures())
    say("{:<16} {}\n", architecture.name, architecture.summary);
  say("{:<16} {}\n{:<16} {}\n", "torchscript", "a whole program, as torch.jit.save wrote it",
      "<plugin>", "a defense plugin that builds networks (BuildsNetwork), under its own name");
  return kOk;
}

}  // namespace gauntlet::cli
