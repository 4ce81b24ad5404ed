// What minimal-norm attacks found, as curves over every epsilon, each from one run.
#pragma once
#include <vector>

#include "reports/curves.h"

namespace gauntlet::reports {

/// Mean over seeds of what such an attack left of one row; the curves point into the summary.
struct DistanceGroup {
  std::string defense, attack;
  results::Threat threat;
  std::vector<const results::DistanceCurve*> curves;  ///< one a seed, all of them with steps
};
/// By threat, then by row, in the order of the run. Those without a curve under some seed are left
/// out.
std::vector<DistanceGroup> distance_groups(const Summary& summary);

/// Share of images whose distance lies above epsilon, with the interval of a single seed or one
/// standard deviation over several.
CurvePoint point_at(const DistanceGroup& group, double epsilon);

/// A chart for each norm; a view for each row and threat, a line for each attack.
std::vector<CurveChart> distance_charts(const Summary& summary);

}  // namespace gauntlet::reports
