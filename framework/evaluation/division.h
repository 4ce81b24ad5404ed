// Checks rows and audit attacks against a board's division.
#pragma once
#include "evaluation/defended_model.h"
#include "library/plugin_library.h"
#include "suite/suite.h"

namespace gauntlet::evaluation {

/// Why a probed row does not belong into the board's division, one sentence that names it; empty:
/// it does.
std::string division_problem(const suite::Board& board, const std::string& row,
                             const DefendedModel& model);

/// Why an attack for one division is not for this row, one sentence; empty: it is. Rows with
/// certificates whose answers are drawn are randomized, too.
std::string division_mismatch(Division division, const DefendedModel& model);

/// Why the attacks that the audit counts as white box, black box and control are none; empty: they
/// are. The plugins say what they ask for.
std::string audit_problem(const suite::Suite& suite, const library::PluginLibrary& plugins);

}  // namespace gauntlet::evaluation
