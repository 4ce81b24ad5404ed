// Whether a bundle is of a board, and of all of it.
#pragma once
#include "bundle/bundle_file.h"
#include "bundle/findings.h"
#include "suite/suite.h"

namespace gauntlet::bundle {

/// Holds the settings and what the entries say of board, data, seeds, threats and attacks against
/// what the board fixes.
void check_board(const BundleFile& bundle, const suite::Suite& columns, Findings& findings);

}  // namespace gauntlet::bundle
