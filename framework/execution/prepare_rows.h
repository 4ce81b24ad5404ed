// What is wrong with the rows of a suite, before any work.
#pragma once
#include "data/dataset.h"
#include "evaluation/laboratory.h"
#include "suite/suite.h"

namespace gauntlet::execution {

/// Makes every defense and probes it on these data. Throws BadInput for data, models or weights
/// that cannot be used and, on a board, for rows and attacks that it does not take, all in one.
/// What a plugin does wrong is its row's: it fails where that is asked.
void prepare_rows(const suite::Suite& suite, const data::Dataset& data,
                  evaluation::Laboratory& laboratory);

}  // namespace gauntlet::execution
