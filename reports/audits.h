// What audits found, for people and programs.
#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "results/record.h"

namespace gauntlet::reports {

/// "PASS", "WARN" or "FAIL".
std::string word_of(results::Level level);
/// The first check of a row that fails it, under any seed; null: none does, or nothing was checked.
const results::Check* failure_of(const std::vector<results::RowAudit>& audits,
                                 const std::string& defense, const results::Threat& threat);
/// Worse levels first, each in the order of an audit.
std::vector<const results::Check*> worst_first(const results::RowAudit& audit);

/// {"code", "level", "sentence", "advice", "figures", "where"}; where only if it is of a column.
nlohmann::json check_json(const results::Check& check);
/// {"rows": [{"defense", "threat", "seed", "samples", "checks", "reason"}]}; reason only of a row
/// that was not audited as asked.
nlohmann::json audits_json(const std::vector<results::RowAudit>& audits);

/// A line for each row and one for each of its checks, with level, code and sentence; below it what
/// to do about it.
std::string audits_text(const std::vector<results::RowAudit>& audits);
/// A line for each check that did not pass, and how many did; "" where nothing was checked.
std::string alarms_text(const std::vector<results::RowAudit>& audits);

/// Whether the audit of its row tells what this finding of a cell tells: lists say it once.
bool told_by_audit(const results::Finding& finding, const results::CellRecord& cell,
                   const std::vector<results::RowAudit>& audits);

}  // namespace gauntlet::reports
