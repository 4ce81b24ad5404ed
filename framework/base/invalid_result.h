// Errors of a plugin, as against errors of the person at the keyboard and of ours.
#pragma once
#include <stdexcept>

namespace gauntlet {

/// What came back cannot be judged (out of bounds, not finite, a wrong shape), or a plugin did what
/// it must not (wrote into what it was lent): the cell is INVALID.
struct InvalidResult : std::runtime_error {
  using runtime_error::runtime_error;
};

/// A plugin threw: "'rounding': forward(): it gave up". The cell is in ERROR.
struct PluginFailure : std::runtime_error {
  using runtime_error::runtime_error;
};

}  // namespace gauntlet
