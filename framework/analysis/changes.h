// Differences between two JSON objects.
#pragma once
#include <string>
#include <vector>

namespace gauntlet::analysis {

struct Change {
  std::string what;  ///< "attack.params.steps", "threats[linf8].epsilon"
  std::string a, b;  ///< JSON texts; "" where it is absent
  auto operator<=>(const Change&) const = default;
};

/// Leaves that differ, in the order of their names. Entries of a list are known by their "name",
/// lists of plain values are leaves, and {"value": v, "default": d} counts as v. A text that is no
/// object counts as an empty one.
std::vector<Change> changes_between(const std::string& a, const std::string& b);

}  // namespace gauntlet::analysis
