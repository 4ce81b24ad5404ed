#include "analysis/latest_run.h"

#include "analysis/derived_figures.h"
#include "analysis/differences.h"
#include "analysis/distance_curves.h"
#include "results/outcomes.h"

namespace gauntlet::analysis {

results::Store::Run latest_run(const results::Store& store) {
  results::Store::Run run = store.read_run();
  const auto kept = [](const results::CellRecord& cell) { return cell.outcomes; };
  run.differences = differences_of(run.settings, run.cells, kept);
  run.distance_curves = distance_curves_of(run.cells, kept);
  for (results::CellRecord& cell : run.cells) {
    if (cell.stochastic && !cell.outcomes.empty()) cell.draws = draw_figures(cell);
    if (cell.status == results::Status::kOk) {
      cell.detector = detector_figures(cell);
      cell.hypocritical = hypocritical_risk(cell);
    }
    cell.outcomes.clear();
    cell.scores = {};
  }
  return run;
}

}  // namespace gauntlet::analysis
