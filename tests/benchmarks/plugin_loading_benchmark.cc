// Reading the stamps of all shipped plugins, and loading one: each time a fresh copy, since a
// library is never unloaded.
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "library/plugin_library.h"
#include "measuring.h"

namespace gauntlet {
namespace {
namespace fs = std::filesystem;

fs::path plugins() { return benchmarks::build_folder() / "plugins"; }

void read_stamps(benchmark::State& state) {
  size_t found = 0;
  for (auto _ : state) found = library::PluginLibrary({plugins()}).files().size();
  if (found == 0) state.SkipWithError("no plugins: build them, or set GAUNTLET_BUILD_DIR");
  state.counters["plugins"] = double(found);
}
BENCHMARK(read_stamps)->Unit(benchmark::kMillisecond);

void load_and_bind(benchmark::State& state) {
  const fs::path folder =
      fs::temp_directory_path() / ("gauntlet-loading-" + std::to_string(getpid()));
  int64_t copy = 0;
  for (auto _ : state) {
    state.PauseTiming();
    const fs::path mine = folder / std::to_string(copy++);
    fs::create_directories(mine);
    fs::copy_file(plugins() / "attacks" / "pgd.so", mine / "pgd.so");
    state.ResumeTiming();
    const library::PluginLibrary library({mine});
    benchmark::DoNotOptimize(library.attack("pgd", {{"steps", 3}}));
  }
  fs::remove_all(folder);
}
BENCHMARK(load_and_bind)->Unit(benchmark::kMillisecond)->Iterations(50);

}  // namespace
}  // namespace gauntlet

BENCHMARK_MAIN();
