// What an attack does, query by query, on a few images.
#pragma once
#include <string>
#include <vector>

#include "evaluation/cell.h"

namespace gauntlet {

/// The state of one image at one query. Of several rows for one image (populations) the one with
/// the largest margin counts.
struct TracePoint {
  int64_t query = 0;    ///< of the image: 1 is the first, restarts go on counting
  double loss = 0;      ///< cross-entropy of the true class, over the draws of the query
  double margin = 0;    ///< largest other logit - logit of the true class; above 0: misclassified
  double distance = 0;  ///< from the clean image, in the threat's norm
};

struct ImageTrace {
  int64_t index = 0, label = 0;  ///< in the data set
  std::vector<TracePoint> points;
  bool clean_right = false, robust_right = false;  ///< as the judge sees it, in the first trial
};

struct Trace {
  std::vector<ImageTrace> images;
  std::string norm;
  double epsilon = 0;
};

/// Runs the job's attack on job.indices with no sample retired, so that every step is seen. Throws
/// BadInput where the cell would be skipped, and what the attack throws.
Trace trace(const CellJob& job, Laboratory& laboratory);

/// "image,label,query,loss,margin,distance" and a line a point.
std::string to_csv(const Trace& trace);

}  // namespace gauntlet
