// Certified accuracy against the radius, beside what attacks left.
#include "reports/certified.h"

#include <algorithm>
#include <cmath>

#include "base/duration.h"
#include "reports/drawing/plot.h"
#include "reports/page/view.h"
#include "reports/text/text.h"

namespace gauntlet::reports::page {
namespace {

constexpr int kCertifiedPoints = 150;
constexpr size_t kPanelsInARow = 3;

/// Under one L2 threat; nullptr where the defense met no attack.
struct Attacked {
  double epsilon;
  const Group<results::WorstCase>* worst;
};

std::vector<Attacked> attacked(const Summary& summary, const std::string& defense) {
  std::vector<Attacked> out;
  for (const results::Threat& threat : summary.threats)
    if (threat.norm == "l2")
      if (const auto* worst = summary.worst_case(defense, threat); worst && worst->robust)
        out.push_back({threat.epsilon, worst});
  std::sort(out.begin(), out.end(), [](auto& a, auto& b) { return a.epsilon < b.epsilon; });
  return out;
}

std::string spread_text(const Spread& spread) {
  return percent(spread.mean) + (spread.sd ? " ± " + percent(*spread.sd) : "");
}

/// Mean over seeds of a fact of every record.
template <typename Value>
double mean_of(const CertifiedGroup& group, Value value) {
  double sum = 0;
  for (const results::Certification* record : group.records) sum += double(value(*record));
  return sum / double(group.records.size());
}

View certified_row(const CertifiedGroup& group, const std::vector<double>& radii) {
  View values = View::array();
  for (const double radius : radii)
    values.push_back({{"value", group.ok ? spread_text(accuracy_at(group, radius)) : "—"}});
  const auto count = group.records.front()->samples;
  const auto fact = [&](const std::string& text) { return group.ok ? text : std::string("—"); };
  const bool flagged =
      std::any_of(group.records.begin(), group.records.end(),
                  [](const results::Certification* r) { return !r->flags.empty(); });
  return {{"defense", group.defense},
          {"kind", "certified"},
          {"flagged", flagged},
          {"values", values},
          {"abstained", fact(percent(mean_of(group, [](auto& r) { return r.abstained; })))},
          {"radius",
           fact(epsilon_text(
               std::round(1e4 * mean_of(group, [](auto& r) { return r.average_radius; })) / 1e4))},
          {"images", grouped(count)},
          {"passes", fact(grouped(std::llround(mean_of(group, [](auto& r) { return r.forwards; }) /
                                               std::max<double>(1, double(count)))))},
          {"time", fact(duration(mean_of(group, [](auto& r) { return r.seconds; })))}};
}

View attacked_row(const std::string& defense, const std::vector<Attacked>& threats,
                  const std::vector<double>& radii) {
  View values = View::array();
  for (const double radius : radii) {
    std::string text = radius == 0 ? spread_text(*threats.front().worst->clean) : "—";
    for (const Attacked& each : threats)
      if (std::abs(each.epsilon - radius) < 1e-9)
        text = spread_text(*each.worst->robust) + (findings(*each.worst).empty() ? "" : " ⚑");
    values.push_back({{"value", text}});
  }
  return {{"defense", defense},
          {"kind", "under attack"},
          {"flagged", false},
          {"values", values},
          {"abstained", "—"},
          {"radius", "—"},
          {"images", grouped(threats.front().worst->records.front()->samples)},
          {"passes", "—"},
          {"time", "—"}};
}

Panel panel_of(const CertifiedGroup& group, const std::vector<Attacked>& threats) {
  Panel panel{group.defense, {}, /*from_zero=*/true};
  Series certified{"certified", {}}, left{"under L2 attacks", {}};
  const double most = largest_radius(group);
  for (int i = 0; i <= kCertifiedPoints; ++i) {
    const double radius = most * i / kCertifiedPoints;
    certified.points.emplace_back(radius, 100 * accuracy_at(group, radius).mean);
  }
  panel.series.push_back(std::move(certified));
  if (threats.empty()) return panel;
  left.points.emplace_back(0, 100 * threats.front().worst->clean->mean);
  for (const Attacked& each : threats)
    left.points.emplace_back(each.epsilon, 100 * each.worst->robust->mean);
  panel.series.push_back(std::move(left));
  return panel;
}

/// "at least 99.9 %", of all that were certified.
std::string confidence_of(const Summary& summary) {
  double most = 0;
  for (const results::Certification& record : summary.run.certifications)
    if (has_result(record)) most = std::max(most, record.alpha);
  return most == 0 ? "100 %" : "at least " + epsilon_text(100 * (1 - most)) + " %";
}

}  // namespace

View certified_of(const Summary& summary) {
  if (summary.certified.empty()) return View::array();
  const std::vector<double> radii = radii_of(summary);
  View heads = View::array(), rows = View::array(), plots = View::array(), findings = View::array();
  for (const double radius : radii) heads.push_back({{"radius", epsilon_text(radius)}});
  std::vector<Panel> panels;
  const auto draw = [&] {
    if (!panels.empty()) plots.push_back({{"plot", plot_svg("L2 radius", panels, false)}});
    panels.clear();
  };
  for (const CertifiedGroup& group : summary.certified) {
    const std::vector<Attacked> threats = attacked(summary, group.defense);
    rows.push_back(certified_row(group, radii));
    if (!threats.empty()) rows.push_back(attacked_row(group.defense, threats, radii));
    if (group.ok) panels.push_back(panel_of(group, threats));
    if (panels.size() == kPanelsInARow) draw();
    for (const results::Certification* record : group.records)
      for (const std::string& flag : sentences(record->flags))
        findings.push_back(
            {{"place",
              record->defense +
                  (summary.seeds.size() > 1 ? ", seed " + std::to_string(record->seed) : "")},
             {"finding", flag}});
  }
  draw();
  return View::array({{{"confidence", confidence_of(summary)},
                       {"heads", heads},
                       {"rows", rows},
                       {"plots", plots},
                       {"contradictions", findings},
                       {"has_contradictions", !findings.empty()}}});
}

}  // namespace gauntlet::reports::page
