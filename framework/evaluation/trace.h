// Traces an attack query by query on a few images.
#pragma once
#include <string>
#include <vector>

#include "evaluation/cell.h"

namespace gauntlet::evaluation {

/// The state of one image at one query. Of several rows for one image (populations) the one with
/// the largest margin counts.
struct TracePoint {
  int64_t query = 0;  ///< of the image: 1 is the first, restarts go on counting
  /// Cross-entropy of the true class, of the mean over the query's draws; NaN where the attack saw
  /// decisions alone.
  double loss = 0;
  double margin = 0;    ///< of the cell's goal; untargeted: largest other logit - that of the class
  double distance = 0;  ///< from the clean image, in the threat's norm
  bool answer = false;  ///< what the attack returned, asked once more by the host
};

struct ImageTrace {
  int64_t index = 0, label = 0;  ///< in the data set
  std::vector<TracePoint> points;
  bool clean_right = false, robust_right = false;  ///< as the judge sees it, in the first trial
};

struct Trace {
  std::vector<ImageTrace> images;
  results::Threat threat;
};

/// Runs the job's attack on job.indices with no sample retired, so that every step is seen; the
/// last point of each restart is its answer. Throws BadInput where the cell would be skipped, and
/// what the attack throws.
Trace trace(const CellJob& job, Laboratory& laboratory);

/// "image,label,query,loss,margin,distance,answer" and a line a point.
std::string to_csv(const Trace& trace);

}  // namespace gauntlet::evaluation
