// Board entries of a run.
#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "boards/entry.h"
#include "results/run_records.h"
#include "suite/suite.h"

namespace gauntlet::bundle {

/// What a run on a board lacks before it can be packed, a sentence each; empty: nothing. `columns`:
/// what the board fixes. Attacks beside the board's own are asked for too: what has no result is to
/// be taken out of the suite.
std::vector<std::string> missing_of(const results::Store::Run& run, const suite::Suite& columns,
                                    const std::filesystem::path& artifacts);

/// The entry of each row of a complete run, with claims and findings. Reads the artifacts for their
/// sums.
std::vector<boards::BoardEntry> entries_of(const results::RunRecords& records,
                                           const suite::Suite& columns,
                                           const boards::BoardAuthors& about,
                                           const std::filesystem::path& artifacts);

}  // namespace gauntlet::bundle
