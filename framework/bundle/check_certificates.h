// Whether the defense certifies as a bundle says.
#pragma once
#include "boards/entry.h"
#include "bundle/findings.h"
#include "evaluation/laboratory.h"

namespace gauntlet::bundle {

/// Certifies every sample of the entry again. On the build of the entry, with as many threads,
/// answers and radii have to be the same; elsewhere radii, and how many lie beyond each radius that
/// is claimed, may differ by chance alone: 1 + certified_at tests of a record, each of `level`.
/// False: images share draws, so chance cannot be told from a false claim.
bool check_certificates(const boards::BoardEntry& entry, const suite::Suite& suite,
                        const data::Dataset& data, bool same_threads,
                        evaluation::Laboratory& laboratory, double level, Findings& findings);

}  // namespace gauntlet::bundle
