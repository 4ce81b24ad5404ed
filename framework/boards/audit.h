// Looks for signs that an entry's attacks were weak or its gradients masked.
#pragma once
#include <string>
#include <vector>

#include "base/board_terms.h"
#include "boards/entry.h"

namespace gauntlet::boards {

/// Findings about an entry, a sentence each, of its outcomes alone, so that anyone finds the same:
/// attacks that see less do better than gradients (the control, transfer, queries), gradient
/// attacks leave images as they are, and what the host flagged while they ran. Empty: none.
std::vector<std::string> audit(const BoardEntry& entry, const AuditItems& items);

/// What an audit says of the entry under each threat and seed from its records alone, as it was
/// said of the run itself (audit/row_checks.h); attacks from outside are among them.
std::vector<results::RowAudit> audits_of(const BoardEntry& entry);

/// Why what is left under a threat is no ground for a rank: each of the board's attacks that follow
/// gradients of the defense had none for most images, or left most as they are. "every gradient of
/// pgd is 0"; "": it is one, or no attack follows gradients.
std::string failed_evidence(const BoardThreat& under);

}  // namespace gauntlet::boards
