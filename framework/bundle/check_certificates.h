// Whether the defense certifies as a bundle says.
#pragma once
#include "bundle/findings.h"
#include "evaluation/laboratory.h"
#include "results/board_entry.h"

namespace gauntlet::bundle {

/// Certifies every sample of the entry again. On the build of the entry, with as many threads,
/// answers and radii have to be the same; elsewhere radii, and how many lie beyond each radius that
/// is claimed, may differ by chance alone: 1 + certified_at tests of a record, each of `level`.
/// False: images share draws, so that chance cannot be told from a claim that does not hold.
bool check_certificates(const BoardEntry& entry, const Suite& suite, const Dataset& data,
                        bool same_threads, Laboratory& laboratory, double level,
                        Findings& findings);

}  // namespace gauntlet::bundle
