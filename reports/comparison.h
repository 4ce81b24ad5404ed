// What people read of two runs' comparison. No model runs.
#pragma once
#include <optional>
#include <string>

#include "results/comparison.h"

namespace gauntlet {

struct ComparisonPage {
  const Comparison& comparison;
  const Store::Run &run_a, &run_b;
  std::string name_a, name_b;  ///< what the person calls them: folders
  std::optional<double> gate;  ///< in points; as Comparison::beyond() takes it
};

/// For a terminal: what differs with significance, what has no result, and what changed; `all`:
/// every cell.
std::string comparison_text(const ComparisonPage& page, bool all);
std::string comparison_markdown(const ComparisonPage& page);
/// Self-contained page: no request to anywhere.
std::string comparison_html(const ComparisonPage& page);

}  // namespace gauntlet
