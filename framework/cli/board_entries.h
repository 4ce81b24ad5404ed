// Board entries as the command line tells of them.
#pragma once
#include <string>
#include <vector>

#include "bundle/verify.h"

namespace gauntlet::cli {

/// A line for each entry and threat: clean accuracy, worst case, certified accuracies, findings.
std::string entries_table(const std::vector<BoardEntry>& entries);
/// Prints what verification found, failures to stderr; the exit code.
int report(const BundleFile& bundle, const Verification& found);

}  // namespace gauntlet::cli
