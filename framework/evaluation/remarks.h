// Remarks on attacks before they run.
#pragma once
#include <string>
#include <vector>

#include "evaluation/cell.h"

namespace gauntlet::evaluation {

/// Of a whole suite, a sentence each: columns that will be skipped, what attacks say of themselves,
/// and random rows that no gradient attack averages over draws on. Loads and probes every row.
std::vector<std::string> remarks_on(const suite::Suite& suite, const data::Dataset& data,
                                    Laboratory& lab);

}  // namespace gauntlet::evaluation
