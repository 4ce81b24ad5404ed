// Remarks on attacks before they run.
#pragma once
#include <string>
#include <vector>

#include "evaluation/cell.h"

namespace gauntlet::evaluation {

/// Why a cell of the suite will be skipped; "": it will not. Loads and probes the row.
std::string reason_to_skip(const suite::Suite& suite, const suite::DefenseSpec& row,
                           const suite::AttackSpec& attack, const suite::ThreatSpec& threat,
                           const data::Dataset& data, Laboratory& lab);

/// Of a whole suite, a sentence each: columns that will be skipped, what attacks say of themselves,
/// and random rows that no gradient attack averages over draws on. Loads and probes every row.
std::vector<std::string> remarks_on(const suite::Suite& suite, const data::Dataset& data,
                                    Laboratory& lab);

}  // namespace gauntlet::evaluation
