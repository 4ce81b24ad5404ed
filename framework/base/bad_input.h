// Errors of the person at the keyboard, as against errors of ours.
#pragma once
#include <stdexcept>
#include <string>

namespace gauntlet {

/// A suite, plugin, weights file, data set or flag that cannot be used. what() is one or more
/// complete lines: what, where, expected, nearest valid name. The command line prints it and exits
/// with 2.
struct BadInput : std::runtime_error {
  using runtime_error::runtime_error;
};

}  // namespace gauntlet
