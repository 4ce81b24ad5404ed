#include "gauntlet/version.h"

#include <ATen/Context.h>
#include <fmt/format.h>
#include <torch/version.h>

#include "cli/commands.h"

namespace gauntlet::cli {

void add_version(CLI::App& app, Action& action) {
  app.add_subcommand("version", "Versions of the program and what it is built with")
      ->callback([&action] {
        action = [] {
          const Stamp stamp = host_stamp();
          fmt::print("gauntlet {}\nABI {}\nLibTorch {}\n{}\ncompiler {}\nCUDA {}\n",
                     GAUNTLET_VERSION, stamp.abi, stamp.torch, stamp.stdlib, stamp.compiler,
                     at::globalContext().hasCUDA() ? "usable" : "not used");
          return kOk;
        };
      });
}

}  // namespace gauntlet::cli
