// Whether what a bundle says of costs follows from its settings and outcomes.
#pragma once
#include "bundle/findings.h"
#include "host/suite.h"
#include "results/board_entry.h"

namespace gauntlet::bundle {

/// Requested passes against each other, against the outcomes and against what the board's attacks
/// may ask; host keys and scoring of each attack against the board. What was executed and how long
/// it took cannot be told from these: pages show it as claimed.
void check_costs(const BoardEntry& entry, const Suite& columns, Findings& findings);

}  // namespace gauntlet::bundle
