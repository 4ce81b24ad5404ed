// The threat that a result was measured under.
#pragma once
#include <compare>
#include <string>

namespace gauntlet::results {

/// A threat as records, boards and reports name it. An attack that has none leaves it empty.
struct Threat {
  std::string name, norm;  ///< norm: a word of kNormNames
  double epsilon = 0;
  auto operator<=>(const Threat&) const = default;
};

}  // namespace gauntlet::results
