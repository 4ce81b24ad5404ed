#include "reports/certified.h"

#include <algorithm>

#include "analysis/certification.h"
#include "reports/drawing/plot.h"

namespace gauntlet::reports {

Spread accuracy_at(const CertifiedGroup& group, double radius) {
  std::vector<double> values;
  for (const results::Certification* record : group.records)
    values.push_back(analysis::certified_accuracy(*record, radius));
  return spread_of(values);
}

double largest_radius(const CertifiedGroup& group) {
  double most = 0;
  for (const results::Certification* record : group.records)
    for (const results::CertifiedSample& c : record->certificates)
      if (c.answer == c.label) most = std::max(most, c.radius);
  return most;
}

std::vector<double> radii_of(const Summary& summary) {
  double most = 0;
  for (const CertifiedGroup& group : summary.certified)
    if (group.ok) most = std::max(most, largest_radius(group));
  std::vector<double> radii = {0};
  if (most > 0)
    for (const double mark : ticks(0, most, 6))
      if (mark <= most) radii.push_back(mark);
  for (const results::Threat& threat : summary.threats)
    if (threat.norm == "l2") radii.push_back(threat.epsilon);
  std::sort(radii.begin(), radii.end());
  const auto same = [](double a, double b) { return b - a < 1e-9; };
  radii.erase(std::unique(radii.begin(), radii.end(), same), radii.end());
  return radii;
}

}  // namespace gauntlet::reports
