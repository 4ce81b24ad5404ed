// Reports are made from a store's records alone; no model runs. A record that holds no valid result
// is shown with its status and reason, never as a number.
#pragma once
#include <filesystem>

#include "results/run_records.h"

namespace gauntlet::reports::files {

/// All of them (certified.csv where something was certified, differences.csv where a row names a
/// baseline; LaTeX in paper/), written atomically into the folder.
/// Throws BadInput if it cannot be written.
void write_reports(const results::RunRecords& records, const std::filesystem::path& folder);

}  // namespace gauntlet::reports::files
