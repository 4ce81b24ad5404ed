// The checks of a row that every run makes from its records: seven attacks on 1,000 images, of a
// defense that answers always the same and of one whose answers are drawn.
#include <benchmark/benchmark.h>

#include "audit/row_checks.h"
#include "tests/support/synthetic_store.h"

namespace {
using namespace gauntlet;

// Of records alone, without a store.
void checks_of_row(benchmark::State& state) {
  SyntheticSuite suite{numbered("defense", 3), numbered("attack", 7)};
  suite.images = 1000;
  std::vector<results::CellRecord> cells;
  for (size_t attack = 0; attack < suite.attacks.size(); ++attack) {
    cells.push_back(synthetic_record(suite, size_t(state.range(0)), attack, 0.1));
    draw_outcomes(suite, size_t(state.range(0)), attack, cells.back());
    cells.back().ledger.queries = cells.back().ledger.forwards;
    for (results::Outcome& outcome : cells.back().outcomes) outcome.queries = int64_t(attack + 1);
  }
  for (auto _ : state) benchmark::DoNotOptimize(audit::checks_of_row(cells));
  state.counters["checks"] = double(audit::checks_of_row(cells).size());
  state.counters["trials"] = double(cells.front().trials);
}
BENCHMARK(checks_of_row)->Arg(0)->Arg(2)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
