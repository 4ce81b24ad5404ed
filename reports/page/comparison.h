// What people read of two runs' comparison. No model runs.
#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "analysis/comparison.h"

namespace gauntlet::reports::page {

struct ComparisonPage {
  const analysis::Comparison& comparison;
  const results::Store::Run &run_a, &run_b;
  std::string name_a, name_b;  ///< what the person calls them: folders
  std::optional<double> gate;  ///< in points; as Comparison::beyond() takes it
};

/// What its page shows, under the names that the templates use.
nlohmann::ordered_json view_of(const ComparisonPage& page);
/// For a terminal: what differs with significance, what has no result, and what changed; `all`:
/// every cell.
std::string comparison_text(const ComparisonPage& page, bool all);
std::string comparison_markdown(const ComparisonPage& page);
/// Self-contained page: no request to anywhere.
std::string comparison_html(const ComparisonPage& page);

}  // namespace gauntlet::reports::page
