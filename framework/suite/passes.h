// How many passes of the model an attack takes, told from its parameters.
#pragma once
#include <string_view>

#include "gauntlet/params.h"

namespace gauntlet::suite {

constexpr double kForwardShare = 1.0 / 3;  ///< of a forward and backward pass

/// A whole number among parameters.
int64_t number_or(const ParamMap& params, std::string_view name, int64_t fallback);

/// Of one image.
struct Passes {
  double forwards = 0;  ///< what the ledger counts as queries
  double backwards = 0;
  /// Forward and backward passes that take as long.
  double work() const { return kForwardShare * forwards + (1 - kForwardShare) * backwards; }
};

/// What one run is made on.
struct Setting {
  int64_t classes = 2;
  int64_t draws = 1;   ///< of a query that names no number of its own
  int64_t votes = 1;   ///< passes behind a decision
  bool noisy = false;  ///< the defense draws noise
};

/// At most so many in one run of an attack, by the names its parameters have: an attack without
/// steps asks once, a population asks for every member, one with targets (0: all) runs for each
/// wrong class, an attack that runs another takes what that one takes, one that runs several takes
/// the sum; and what compares their answers. Runs that the host adds where an attack was told
/// nothing are not among them.
Passes passes_of(const ParamMap& params, const Setting& setting);

}  // namespace gauntlet::suite
