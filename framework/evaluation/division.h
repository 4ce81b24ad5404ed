// What a board asks of the rows that enter it and of the attacks that its audit names.
#pragma once
#include "evaluation/defended_model.h"
#include "host/plugin_library.h"
#include "host/suite.h"

namespace gauntlet {

/// Why a probed row does not belong into the board's division, one sentence that names it; empty:
/// it does.
std::string division_problem(const Board& board, const std::string& row,
                             const DefendedModel& model);

/// Why the attacks that the audit counts as white box, black box and control are none; empty: they
/// are. The plugins say what they ask for.
std::string audit_problem(const Suite& suite, const PluginLibrary& plugins);

}  // namespace gauntlet
