// Whether the tensors of a file are those of a network, and what to say where they are not.
#pragma once
#include <map>
#include <set>
#include <string>
#include <vector>

#include "models/network.h"

namespace gauntlet::models {

/// Throws BadInput that lists missing and left-over names and values that do not fit, the first 30,
/// and what would help: a prefix behind which the network's names are there, patterns to ignore.
/// `unneeded`: patterns of names that need no counterpart; their values may be of any type.
void check_state(const Network& network, const std::map<std::string, Tensor>& state,
                 const std::vector<std::string>& unneeded, const std::string& source);

/// The prefixes behind which most of the network's tensors are there with their shapes, and how
/// many that are: as many as all of them where a wrapper was saved.
struct FittingPrefixes {
  size_t found = 0;
  std::vector<std::string> prefixes;  ///< the empty one is none
};
FittingPrefixes fitting_prefixes(const std::map<std::string, Tensor>& state,
                                 const std::vector<NamedTensor>& network);

}  // namespace gauntlet::models
