// Distances that attacks on the smallest perturbation found, row by row.
#include "reports/distances.h"

#include <fmt/format.h>

#include <algorithm>

#include "reports/page/view.h"
#include "reports/text/text.h"

namespace gauntlet::reports::page {
namespace {

constexpr int kColumns = 4;  // epsilon in so many parts

/// With three digits.
std::string distance_text(double distance) { return fmt::format("{:.3g}", distance); }

/// Of a value that lies beyond epsilon where there is none.
std::string bound_text(const std::optional<double>& distance, double epsilon) {
  return distance ? distance_text(*distance) : "more than " + epsilon_text(epsilon);
}

template <typename Value>
std::optional<Spread> spread_over(const DistanceGroup& group, Value value) {
  std::vector<double> all;
  for (const results::DistanceCurve* curve : group.curves) {
    if (!value(*curve)) return {};
    all.push_back(*value(*curve));
  }
  return spread_of(all);
}

std::string median_text(const DistanceGroup& group) {
  const double epsilon = group.threat.epsilon;
  const auto median = spread_over(group, [](const auto& curve) { return curve.median; });
  const std::string text = bound_text(median ? std::optional(median->mean) : std::nullopt, epsilon);
  if (median && median->sd) return text + " ± " + distance_text(*median->sd);
  if (group.curves.size() > 1) return text;
  const results::DistanceCurve& only = *group.curves.front();
  if (!only.median_low) return text;
  return text + " (" + distance_text(*only.median_low) + " to " +
         bound_text(only.median_high, epsilon) + ")";
}

std::string optimality_text(const DistanceGroup& group) {
  const auto optimality = spread_over(group, [](const auto& curve) { return curve.optimality; });
  if (!optimality) return "—";
  return percent(optimality->mean) + (optimality->sd ? " ± " + percent(*optimality->sd) : "");
}

View row_of(const DistanceGroup& group) {
  View values = View::array();
  for (int i = 0; i <= kColumns; ++i) {
    const CurvePoint point = point_at(group, group.threat.epsilon * i / kColumns);
    const bool seeds = group.curves.size() > 1;
    const std::string spread = seeds ? "± " + percent(point.high - point.accuracy)
                                     : percent(point.low) + " to " + percent(point.high);
    values.push_back({{"number", percent(point.accuracy)}, {"spread", spread}});
  }
  return {{"defense", group.defense},
          {"attack", group.attack},
          {"values", values},
          {"median", median_text(group)},
          {"optimality", optimality_text(group)},
          {"images", grouped(group.curves.front()->samples)}};
}

/// Those that have no curve: "vote under ddn: the defense is randomized …".
View without_curve(const Summary& summary, const results::Threat& threat) {
  View out = View::array();
  for (const results::DistanceCurve& curve : summary.run.distance_curves) {
    if (curve.threat != threat || curve.reason.empty()) continue;
    const View one = {{"place", curve.defense + " under " + curve.attack},
                      {"reason", curve.reason}};
    if (std::find(out.begin(), out.end(), one) == out.end()) out.push_back(one);
  }
  return out;
}

}  // namespace

View distances_of(const Summary& summary) {
  View tables = View::array();
  const std::vector<DistanceGroup> groups = distance_groups(summary);
  for (const results::Threat& threat : summary.threats) {
    View rows = View::array(), heads = View::array();
    for (const DistanceGroup& group : groups)
      if (group.threat == threat) rows.push_back(row_of(group));
    for (int i = 0; i <= kColumns; ++i)
      heads.push_back({{"epsilon", i == kColumns ? epsilon_text(threat.epsilon)
                                                 : distance_text(threat.epsilon * i / kColumns)}});
    const View left_out = without_curve(summary, threat);
    if (rows.empty() && left_out.empty()) continue;
    tables.push_back({{"threat", title_of(threat)},
                      {"heads", heads},
                      {"rows", rows},
                      {"has_rows", !rows.empty()},
                      {"left_out", left_out},
                      {"has_left_out", !left_out.empty()}});
  }
  return tables;
}

}  // namespace gauntlet::reports::page
