// What plugins must not do beside giving answers that cannot be judged.
#pragma once
#include "base/invalid_result.h"

namespace gauntlet::evaluation {

/// A plugin writes into what it is only lent.
struct WritesIntoLent : InvalidResult {
  using InvalidResult::InvalidResult;
};
/// A plugin computes on under other settings of the process than the host's.
struct DisturbsSettings : InvalidResult {
  using InvalidResult::InvalidResult;
};

}  // namespace gauntlet::evaluation
