// Whether the defense certifies as a bundle says.
#pragma once
#include "bundle/findings.h"
#include "evaluation/laboratory.h"
#include "results/board_entry.h"

namespace gauntlet::bundle {

/// Certifies every sample of the entry again. On the build of the entry answers and radii have to
/// be the same; on another one the shares of right and certified answers may differ by chance
/// alone.
void check_certificates(const BoardEntry& entry, const Suite& suite, const Dataset& data,
                        Laboratory& laboratory, double level, Findings& findings);

}  // namespace gauntlet::bundle
