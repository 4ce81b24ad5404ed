#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "analysis/latest_run.h"
#include "base/bad_input.h"
#include "base/processors.h"
#include "cli/commands.h"
#include "cli/terminal.h"
#include "cli/words.h"
#include "evaluation/identity.h"
#include "registry/search_path.h"

namespace gauntlet::cli {

void Common::add_to(CLI::App& command) {
  command
      .add_option("--plugin-path", plugin_path,
                  "Folder or file with plugins, searched before the built-in ones")
      ->allow_extra_args(false);
  command.add_option("--data", data, "Folder with data sets");
  command.add_option("--registry", registry, "Folder with data set and model entries");
  command.add_option("--threads", threads, "CPU threads; 0: as many as help the network at hand")
      ->transform(whole(0, 1024));
}

library::PluginLibrary Common::plugins() const {
  return library::PluginLibrary(library::plugin_search_path(plugin_path));
}

registry::Registry Common::open_registry(bool makes_data) const {
  const auto expect = [](const char* flag, const std::string& folder) {
    if (!folder.empty() && !std::filesystem::is_directory(folder))
      throw BadInput(std::string(flag) + ": there is no folder " + folder);
  };
  expect("--registry", registry);
  if (!makes_data) expect("--data", data);
  return registry::Registry(
      registry.empty() ? registry::default_registry() : std::filesystem::path(registry),
      registry::data_search_path(data));
}

bool Common::may_choose_threads() const { return threads == 0 && !std::getenv("OMP_NUM_THREADS"); }

void Common::apply_threads() const {
  if (threads > 0) at::set_num_threads(threads);
  if (may_choose_threads())
    at::set_num_threads(std::min(at::get_num_threads(), available_processors()));
}

results::Store open_results(const std::string& folder) {
  if (!std::filesystem::exists(std::filesystem::path(folder) / "results.sqlite"))
    throw BadInput(folder + ": no results there, expected a folder that 'gauntlet run' wrote");
  return results::Store(folder, results::Store::Access::kRead, evaluation::engine_digest());
}

results::Store::Run run_of(const results::Store& store) {
  results::Store::Run run = analysis::latest_run(store);
  if (run.newer > 0)
    say(stderr, "note: {}: of this build is the run of {}; other builds began {} there since\n",
        store.folder().string(), run.started, run.newer);
  if (run.lost > 0)
    say(stderr,
        "note: {}: {} records of the run are not as they were written and are shown as "
        "invalid; run the suite again, which computes them anew\n",
        store.folder().string(), run.lost);
  return run;
}

at::Device device_of(const std::string& name) {
  const bool cuda = at::Context::hasCUDA();
  if (name == "cpu") return at::kCPU;
  if (name == "auto") return cuda ? at::Device(at::kCUDA, 0) : at::Device(at::kCPU);
  if (!cuda)
    throw BadInput(
        "--device cuda: this build or machine has no usable CUDA device, expected 'cpu' or 'auto'");
  return at::Device(at::kCUDA, 0);
}

}  // namespace gauntlet::cli
