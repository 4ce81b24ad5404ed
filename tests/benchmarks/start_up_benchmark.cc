// From the start of the program to the end of a first, smallest cell: one image, one random
// perturbation. Includes loading LibTorch, reading suite, data and model, the store and the
// reports.
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "measuring.h"

namespace {
namespace fs = std::filesystem;

void first_cell(benchmark::State& state) {
  const fs::path build = gauntlet::benchmarks::build_folder();
  const char* source = std::getenv("GAUNTLET_SOURCE_DIR");
  const fs::path suite = (source ? fs::path(source) : build.parent_path().parent_path()) /
                         "suites" / "quickstart.toml";
  if (!fs::exists(suite))
    return state.SkipWithError("suites/quickstart.toml was not found: set GAUNTLET_SOURCE_DIR");
  const fs::path output =
      fs::temp_directory_path() / ("gauntlet-start-up-" + std::to_string(getpid()));
  const std::string command =
      (build / "gauntlet").string() + " run '" + suite.string() + "' --quiet --output '" +
      output.string() +
      "' --only defense=undefended,attack=random_noise --set data.samples=1 > /dev/null 2>&1";
  for (auto _ : state) {
    state.PauseTiming();
    fs::remove_all(output);
    state.ResumeTiming();
    if (std::system(command.c_str()) != 0) return state.SkipWithError("the run failed");
  }
  fs::remove_all(output);
}
BENCHMARK(first_cell)->Unit(benchmark::kMillisecond)->Iterations(10)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
