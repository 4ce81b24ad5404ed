// Whether what a bundle says of costs follows from its settings and outcomes.
#pragma once
#include "boards/entry.h"
#include "bundle/findings.h"
#include "suite/suite.h"

namespace gauntlet::bundle {

/// Requested passes against each other, against the outcomes and against what the board's attacks
/// may ask; host keys and scoring of each attack against the board. What was executed and how long
/// it took cannot be told from these: pages show it as claimed.
void check_costs(const boards::BoardEntry& entry, const suite::Suite& columns, Findings& findings);

}  // namespace gauntlet::bundle
