// Which rows of a table are the best ones of a column, as far as these images can tell.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "analysis/pairs.h"
#include "reports/summary.h"

namespace gauntlet::reports {

/// What a p value is held against.
inline constexpr double kSignificant = 0.05;

/// Reads each record once and keeps of its images the indices and right answers alone.
results::OutcomesOf remembering(const results::OutcomesOf& outcomes);

/// Of a column's values the largest and all that are not significantly below it: `p(best, other)`
/// of every other one, Holm-corrected, at 5 %. No value: takes no part. None is marked where fewer
/// than two take part or a p value is missing.
std::vector<bool> best_of(const std::vector<std::optional<double>>& values,
                          const std::function<std::optional<double>(size_t, size_t)>& p);

/// Columns of one threat's table; a flag for each of summary.defenses. Rows are paired over the
/// images that both saw. An incomplete worst case is an upper bound and takes no part.
std::vector<bool> best_clean(const Summary& summary, const results::OutcomesOf& outcomes,
                             const results::Threat& threat);
std::vector<bool> best_under_attack(const Summary& summary, const results::OutcomesOf& outcomes,
                                    const std::string& attack, const results::Threat& threat);
/// The worst case of a random defense is scored by draws of its own, image by image unknown: there
/// the test is of two means with their intervals, not paired.
std::vector<bool> best_in_worst_case(const Summary& summary, const results::OutcomesOf& outcomes,
                                     const results::Threat& threat);

}  // namespace gauntlet::reports
