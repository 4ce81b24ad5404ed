#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace gauntlet::reports::files {

/// What is wrong with a report.json, one sentence each; empty if nothing.
std::vector<std::string> validate_report(std::string_view text);
/// The JSON Schema (draft 7) that validate_report() holds a report against.
std::string_view report_schema();
}  // namespace gauntlet::reports::files
