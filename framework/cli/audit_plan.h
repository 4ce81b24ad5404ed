// What commands that run and commands that plan share about audits.
#pragma once
#include "results/check.h"
#include "suite/plan.h"

namespace gauntlet::cli {

/// Passes of probes on a row of this suite, which must outlive it.
suite::ProbingOf probing_of(const suite::Suite& suite);
/// Whether what was found makes a command fail.
bool fails(results::Level found, suite::FailOn on);

}  // namespace gauntlet::cli
