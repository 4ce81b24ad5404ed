// Board entries as the command line tells of them.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "bundle/verify.h"

namespace gauntlet::cli {

/// Folder of the boards' entries: `results`, or where that is "" the one in `registry`, or where
/// that is "" the one in the default registry.
std::filesystem::path results_folder(const std::string& results, const std::string& registry);
/// A line for each entry and threat: clean accuracy, worst case, certified accuracies, findings.
std::string entries_table(const std::vector<boards::BoardEntry>& entries);
/// Prints what verification found, failures to stderr; the exit code.
int report(const bundle::BundleFile& bundle, const bundle::Verification& found);

}  // namespace gauntlet::cli
