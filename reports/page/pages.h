#pragma once
#include <string>

#include "results/run_records.h"

namespace gauntlet::reports::page {

std::string report_markdown(const results::Store::Run& run);
/// Self-contained page: no request to anywhere.
std::string report_html(const results::RunRecords& records);
}  // namespace gauntlet::reports::page
