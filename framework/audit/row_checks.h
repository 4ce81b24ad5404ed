// What the records of one row tell of whether its number can be believed.
#pragma once
#include <vector>

#include "results/record.h"

namespace gauntlet::audit {

/// Checks of one defense under one threat and seed, from records alone; one a code, of the column
/// that does worst. A check that the row's attacks do not answer is left out. `cells`: the records,
/// with outcomes and parameters; those without a result are passed by.
///
/// An attack beats another where a paired test on the images of both, by Holm over the row, says
/// so. It fails a row only if it also beats all attacks that ought to be stronger, by more than one
/// point of accuracy: then the row's number hangs on an attack that knows less.
std::vector<results::Check> checks_of_row(const std::vector<results::CellRecord>& cells);

/// The checks of records and those of probes, in their order. Of two of one code the worse; of
/// equals that of the records, which saw all images.
std::vector<results::Check> joined(std::vector<results::Check> of_records,
                                   const std::vector<results::Check>& of_probes);

}  // namespace gauntlet::audit
