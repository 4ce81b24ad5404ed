// Running an attack on one batch through the Target, under the host's rules.
#pragma once
#include "evaluation/interrupted.h"
#include "evaluation/rules.h"

namespace gauntlet::evaluation {

/// Throws what the plugin throws, AccessError, Interrupted, and InvalidResult for an answer that
/// cannot be judged and for an attack that writes into what it is lent.
Crafted craft(Attack& attack, DefendedModel& model, const CraftBatch& batch,
              const ThreatModel& threat, const CraftRules& rules, Environment& environment);

}  // namespace gauntlet::evaluation
