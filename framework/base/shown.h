#pragma once
#include <string>
#include <string_view>

namespace gauntlet {

/// Text out of a file as a message may quote it: in quotes, at most 200 bytes of it, '?' for what
/// is not printable ASCII.
std::string shown(std::string_view text);

}  // namespace gauntlet
