#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace gauntlet {

/// The name closest to `wrong` by edit distance, or "" where none is close enough to suggest.
std::string nearest_name(std::string_view wrong, const std::vector<std::string>& names);
/// ", did you mean 'pgd'?" or, where nothing is close, "; known: a, b, c" (at most 12 names).
std::string suggestion(std::string_view wrong, const std::vector<std::string>& names);

}  // namespace gauntlet
