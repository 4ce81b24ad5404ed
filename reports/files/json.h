#pragma once
#include <string>

#include "results/store.h"

namespace gauntlet::reports::files {

/// report.json, as reports/schema/report.schema.json describes it.
std::string report_json(const results::Store::Run& run);
}  // namespace gauntlet::reports::files
