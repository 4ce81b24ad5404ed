// What is left of a defense when the attacker may choose among all attacks, sample by sample.
#pragma once
#include "results/record.h"

namespace gauntlet::evaluation {

/// `cells`: the records of one defense, threat and seed, one a column, with their outcomes. Of a
/// stochastic model each sample's attack is chosen on one half of the trials and counted on the
/// other (results/worst_of.h). Columns with a hypocritical goal raise accuracy and take no part.
/// The order of `cells` changes nothing but that of names.
results::WorstCase worst_case(const std::vector<results::CellRecord>& cells);

/// Names of such a result: it depends on nothing but the cells it is over.
std::string worst_case_identity(const std::vector<results::CellRecord>& cells);
std::string worst_case_fingerprint(const std::vector<results::CellRecord>& cells);

}  // namespace gauntlet::evaluation
