#include "reports/distances.h"

#include <algorithm>

namespace gauntlet::reports {
namespace {

constexpr int kDistancePoints = 40;  // of a line; between them it is drawn straight

/// The step that holds at epsilon.
const results::DistanceCurve::Step& step_at(const results::DistanceCurve& curve, double epsilon) {
  const auto next = std::upper_bound(
      curve.steps.begin(), curve.steps.end(), epsilon,
      [](double wanted, const results::DistanceCurve::Step& s) { return wanted < s.epsilon; });
  return next == curve.steps.begin() ? *next : *(next - 1);
}

bool same_place(const DistanceGroup& group, const results::DistanceCurve& curve) {
  return group.defense == curve.defense && group.attack == curve.attack &&
         group.threat == curve.threat;
}

template <typename T>
size_t place_in(const std::vector<T>& list, const T& value) {
  return size_t(std::find(list.begin(), list.end(), value) - list.begin());
}

}  // namespace

std::vector<DistanceGroup> distance_groups(const Summary& summary) {
  std::vector<DistanceGroup> groups;
  for (const results::DistanceCurve& curve : summary.run.distance_curves) {
    auto group = std::find_if(groups.begin(), groups.end(),
                              [&](const DistanceGroup& each) { return same_place(each, curve); });
    if (group == groups.end())
      group = groups.insert(group, {curve.defense, curve.attack, curve.threat, {}});
    group->curves.push_back(&curve);
  }
  const auto incomplete = [&](const DistanceGroup& group) {
    return group.curves.size() < summary.seeds.size() ||
           std::any_of(group.curves.begin(), group.curves.end(),
                       [](const auto* curve) { return curve->steps.empty(); });
  };
  std::erase_if(groups, incomplete);
  const auto place = [&](const DistanceGroup& group) {
    return std::pair(place_in(summary.threats, group.threat),
                     place_in(summary.defenses, group.defense));
  };
  std::stable_sort(groups.begin(), groups.end(),
                   [&](const auto& a, const auto& b) { return place(a) < place(b); });
  return groups;
}

CurvePoint point_at(const DistanceGroup& group, double epsilon) {
  std::vector<double> shares;
  for (const results::DistanceCurve* curve : group.curves)
    shares.push_back(step_at(*curve, epsilon).accuracy);
  const Spread spread = spread_of(shares);
  const results::DistanceCurve::Step& only = step_at(*group.curves.front(), epsilon);
  if (!spread.sd) return {epsilon, spread.mean, only.low, only.high};
  return {epsilon, spread.mean, spread.mean - *spread.sd, spread.mean + *spread.sd};
}

std::vector<CurveChart> distance_charts(const Summary& summary) {
  std::vector<CurveChart> charts;
  for (const DistanceGroup& group : distance_groups(summary)) {
    const std::string x = "epsilon (" + group.threat.norm + ")";
    auto chart = std::find_if(charts.begin(), charts.end(),
                              [&](const CurveChart& each) { return each.x_title == x; });
    if (chart == charts.end())
      chart = charts.insert(chart, {"Accuracy over " + x + ", by the distances found", x});
    const std::string name = group.defense + " under " + title_of(group.threat);
    if (chart->views.empty() || chart->views.back().name != name)
      chart->views.push_back({name, {}});
    CurveLine line{group.attack, {}};
    for (int i = 0; i <= kDistancePoints; ++i)
      line.points.push_back(point_at(group, group.threat.epsilon * i / kDistancePoints));
    chart->views.back().lines.push_back(std::move(line));
  }
  return charts;
}

}  // namespace gauntlet::reports
