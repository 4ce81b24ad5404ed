// Reports are made from a store's records alone; no model runs. A record that holds no valid result
// is shown with its status and reason, never as a number.
#pragma once
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "results/run_records.h"

namespace gauntlet {

/// report.json, as reports/schema/report.schema.json describes it.
std::string report_json(const Store::Run& run);
/// Tidy: one row a cell, RFC 4180 quoting, empty where there is no number.
std::string report_csv(const Store::Run& run);
/// Tidy: one row an image that was certified, without an answer or radius where it abstained; one
/// row for a certification without a result.
std::string certified_csv(const Store::Run& run);
/// Tidy: one row a difference from a baseline.
std::string differences_csv(const Store::Run& run);
std::string report_markdown(const Store::Run& run);
/// Self-contained page: no request to anywhere.
std::string report_html(const RunRecords& records);
/// All of them (certified.csv where something was certified, differences.csv where a row names a
/// baseline; LaTeX in paper/), written atomically into the folder.
/// Throws BadInput if it cannot be written.
void write_reports(const RunRecords& records, const std::filesystem::path& folder);

/// What is wrong with a report.json, one sentence each; empty if nothing.
std::vector<std::string> validate_report(std::string_view json);
/// The JSON Schema (draft 7) that validate_report() holds a report against.
std::string_view report_schema();

}  // namespace gauntlet
