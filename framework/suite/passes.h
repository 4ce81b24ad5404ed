// How many passes of the model an attack takes, told from its parameters.
#pragma once
#include <string_view>

#include "gauntlet/params.h"

namespace gauntlet::suite {

constexpr double kForwardShare = 1.0 / 3;  ///< of a forward and backward pass

/// A whole number among parameters.
int64_t number_or(const ParamMap& params, std::string_view name, int64_t fallback);

/// Queries of one run of an attack, by the names its parameters have: an attack without steps asks
/// once, a population asks for every member, one with targets (0: all) runs for each wrong class,
/// an attack that runs another takes what that one takes, one that runs several takes the sum. Of
/// those several, a forward pass alone counts as kForwardShare.
double queries_of(const ParamMap& params, int64_t classes);

/// How often an attack that runs several compares their answers; 0: it runs none.
double comparisons_of(const ParamMap& params);

}  // namespace gauntlet::suite
