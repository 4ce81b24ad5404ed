#pragma once
#include <string>

namespace gauntlet {

/// A time for people: 0.1234 -> "0.12 s", 75 -> "1 min 15 s", 4000 -> "1 h 6 min", 200000 ->
/// "2 d 7 h"; "—" for what is no number.
std::string duration(double seconds);

}  // namespace gauntlet
