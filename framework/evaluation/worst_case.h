// What is left of a defense when the attacker may choose among all attacks, sample by sample.
#pragma once
#include "evaluation/cell.h"

namespace gauntlet::evaluation {

/// `cells`: the records of one defense, threat and seed, one a column. On a stochastic model the
/// worst attack of each sample is re-scored on fresh draws: the lowest of several noisy rates is
/// not a rate. The order of `cells` changes nothing but that of names. x_adv(record) gives a
/// record's adversarial inputs.
results::WorstCase worst_case(const std::vector<results::CellRecord>& cells,
                              const suite::DefenseSpec& defense, const data::Dataset& data,
                              Laboratory& laboratory,
                              const std::function<Tensor(const results::CellRecord&)>& x_adv);

/// Names of such a result: it depends on nothing but the cells it is over.
std::string worst_case_identity(const std::vector<results::CellRecord>& cells);
std::string worst_case_fingerprint(const std::vector<results::CellRecord>& cells);

}  // namespace gauntlet::evaluation
