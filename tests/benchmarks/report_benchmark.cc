// Writing every report of a finished run of 40 defenses × 30 attacks on 1,000 images: what
// `gauntlet report` does, reading the store included. Counters: the page's size, and the most
// memory that the program had.
#include <benchmark/benchmark.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>

#include "analysis/latest_run.h"
#include "reports/files/write_reports.h"
#include "tests/support/synthetic_store.h"

namespace {
namespace fs = std::filesystem;
using namespace gauntlet;

void report(benchmark::State& state) {
  const fs::path folder =
      fs::temp_directory_path() / ("gauntlet-reports-" + std::to_string(getpid()));
  SyntheticSuite suite{numbered("defense", 40), numbered("attack", 30)};
  suite.images = state.range(0);
  suite.statuses = {results::Status::kOk, results::Status::kOk,     results::Status::kOk,
                    results::Status::kOk, results::Status::kOk,     results::Status::kOk,
                    results::Status::kOk, results::Status::kInvalid};
  write_synthetic_store(suite, folder);
  for (auto _ : state) {
    const results::Store store(folder);
    const results::Store::Run run = analysis::latest_run(store);
    reports::files::write_reports({run, outcomes_in(store), store.artifacts()}, folder);
  }
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  state.counters["page_MB"] = double(fs::file_size(folder / "report.html")) / 1e6;
  state.counters["memory_MB"] = double(usage.ru_maxrss) / 1e3;
  fs::remove_all(folder);
}
BENCHMARK(report)->Arg(1000)->Unit(benchmark::kMillisecond)->Iterations(3)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
