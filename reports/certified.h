// Certified accuracy by radius, over evaluation seeds.
#pragma once
#include <vector>

#include "reports/summary.h"

namespace gauntlet::reports {

Spread accuracy_at(const CertifiedGroup& group, double radius);
/// Of a right answer under any seed.
double largest_radius(const CertifiedGroup& group);
/// Round radii up to the largest, and those of the suite's L2 threats.
std::vector<double> radii_of(const Summary& summary);

}  // namespace gauntlet::reports
