#include "gauntlet/version.h"

#include <ATen/Context.h>
#include <fmt/format.h>
#include <torch/version.h>

#include "cli/commands.h"
#include "library/plugin_search.h"

namespace gauntlet::cli {

namespace {
std::string versions() {
  const library::Stamp stamp = library::host_stamp();
  return fmt::format("gauntlet {}\nABI {}\nLibTorch {}\n{}\ncompiler {}\nCUDA {}", GAUNTLET_VERSION,
                     stamp.abi, stamp.torch, stamp.stdlib, stamp.compiler,
                     at::Context::hasCUDA() ? "usable" : "not used");
}
}  // namespace

void add_version(CLI::App& app, Action& action) {
  const char* help = "Versions of the program and what it is built with";
  app.set_version_flag("--version", versions, help);
  app.add_subcommand("version", help)->callback([&action] {
    action = [] {
      say("{}\n", Lines{versions()});
      return kOk;
    };
  });
}

}  // namespace gauntlet::cli
