// The main() of benchmarks that compute on several threads: these wait for each other as the
// program's do.
#pragma once
#include <benchmark/benchmark.h>

#include "base/waiting.h"

namespace gauntlet::benchmarks {

inline int run_benchmarks(int argc, char** argv) {
  wait_briefly(argc, argv);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}

}  // namespace gauntlet::benchmarks
