#include "analysis/latest_run.h"

#include "analysis/differences.h"

namespace gauntlet::analysis {

results::Store::Run latest_run(const results::Store& store) {
  results::Store::Run run = store.read_run();
  run.differences = differences_of(run.settings, run.cells,
                                   [](const results::CellRecord& cell) { return cell.outcomes; });
  for (results::CellRecord& cell : run.cells) cell.outcomes.clear();
  return run;
}

}  // namespace gauntlet::analysis
