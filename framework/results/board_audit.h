// What the evidence behind an entry leaves to be asked.
#pragma once
#include <string>
#include <vector>

#include "base/board_terms.h"
#include "results/board_entry.h"

namespace gauntlet {

/// Findings about an entry, a sentence each, of its outcomes alone, so that anyone finds the same:
/// attacks that see less do better than gradients (the control, transfer, queries), gradient
/// attacks leave images as they are, and what the host flagged while they ran. Empty: none.
std::vector<std::string> audit(const BoardEntry& entry, const AuditItems& items);

}  // namespace gauntlet
