// Charts: their titles for the page, their numbers for its script.
#include <cmath>
#include <limits>

#include "reports/curves.h"
#include "reports/distances.h"
#include "reports/page/view.h"
#include "reports/text/free_text.h"

namespace gauntlet::reports::page {
namespace {

/// In percent, with what a pixel can show.
double shown_percent(double share) { return std::round(share * 1e4) / 100; }

/// What a pointer on a point tells besides its numbers; charts.js draws those with a flag as
/// triangles.
std::string label_of(const std::string& name, bool upper_bound, bool flagged) {
  std::string label = name;
  if (upper_bound) label += label.empty() ? "an upper bound" : ", an upper bound";
  if (flagged) label += label.empty() ? "⚑ audit finding" : ", ⚑ audit finding";
  return label;
}

View point_of(double x, double accuracy, double low, double high, const std::string& label) {
  View point = {x, shown_percent(accuracy), shown_percent(std::max(0.0, low)),
                shown_percent(std::min(1.0, high))};
  if (!label.empty()) point.push_back(label);
  return point;
}

/// Numbers for charts.js; Summaries make its parts.
struct ChartGroup {
  std::string title, x, y;
  bool scatter = false, log = false;
  View views = View::array();  ///< [{name, lines: [{name, points}]}]
};

ChartGroup chart_of(const CurveChart& curve) {
  ChartGroup chart{curve.title, curve.x_title, "accuracy, %", false, curve.log_x};
  for (const CurveView& view : curve.views) {
    View lines = View::array();
    for (const CurveLine& line : view.lines) {
      View points = View::array();
      for (const CurvePoint& p : line.points)
        points.push_back(
            point_of(p.x, p.accuracy, p.low, p.high, label_of("", p.upper_bound, p.flagged)));
      lines.push_back({{"name", line.name}, {"points", points}});
    }
    chart.views.push_back({{"name", view.name}, {"lines", lines}});
  }
  return chart;
}

bool spans_decades(const ChartGroup& chart) {
  double low = std::numeric_limits<double>::infinity(), high = 0;
  for (const View& view : chart.views)
    for (const View& line : view["lines"])
      for (const View& point : line["points"])
        if (const double x = point[0].get<double>(); x > 0)
          low = std::min(low, x), high = std::max(high, x);
  return high / low >= kLogarithmic;
}

double per_image(int64_t passes, const results::CellRecord& record) {
  return double(passes) / std::max<double>(1, double(record.samples));
}

/// Every cell at what the attack asked of the model.
ChartGroup attack_cost_chart(const Summary& summary) {
  ChartGroup chart{"Passes of an attack, and the accuracy left", "passes requested, an image",
                   "accuracy, %", true};
  for (const results::Threat& threat : summary.threats) {
    View lines = View::array();
    for (const std::string& defense : summary.defenses) {
      View points = View::array();
      for (const std::string& attack : summary.attacks) {
        const auto* group = summary.cell(defense, attack, threat);
        if (!group || !group->robust) continue;
        double passes = 0;
        for (const results::CellRecord* r : group->records)
          passes += per_image(r->ledger.forwards, *r);
        const results::Interval& interval = group->records.front()->interval;
        points.push_back(point_of(passes / double(group->records.size()), group->robust->mean,
                                  interval.low, interval.high,
                                  label_of(attack, false, !findings(*group).empty())));
      }
      if (!points.empty()) lines.push_back({{"name", defense}, {"points", points}});
    }
    if (!lines.empty()) chart.views.push_back({{"name", title_of(threat)}, {"lines", lines}});
  }
  chart.log = spans_decades(chart);
  return chart;
}

ChartGroup defense_cost_chart(const Summary& summary) {
  ChartGroup chart{"Cost of an answer, and robust accuracy", "passes of an answer", "worst case, %",
                   true};
  for (const results::Threat& threat : summary.threats) {
    View lines = View::array();
    for (const std::string& defense : summary.defenses) {
      const auto* worst = summary.worst_case(defense, threat);
      const double passes = summary.passes_of_answer(defense);
      if (!worst || !worst->robust || passes == 0) continue;
      const results::Interval& interval = worst->records.front()->interval;
      const View point =
          point_of(passes, worst->robust->mean, interval.low, interval.high,
                   label_of("", !worst->records.front()->complete, !findings(*worst).empty()));
      lines.push_back({{"name", defense}, {"points", View::array({point})}});
    }
    if (!lines.empty()) chart.views.push_back({{"name", title_of(threat)}, {"lines", lines}});
  }
  chart.log = spans_decades(chart);
  return chart;
}

View view_of(const ChartGroup& chart) {
  View names = View::array();
  for (const View& view : chart.views) names.push_back({{"name", view["name"]}});
  return {{"title", chart.title}, {"views", names}, {"several", names.size() > 1}};
}

View numbers_of(const ChartGroup& chart) {
  return {{"x", chart.x},
          {"y", chart.y},
          {"log", chart.log},
          {"scatter", chart.scatter},
          {"views", chart.views}};
}

}  // namespace

ChartsView charts_of(const Summary& summary) {
  ChartsView charts;
  for (const auto& curves : {curves_of(summary), distance_charts(summary)})
    for (const CurveChart& curve : curves) {
      const ChartGroup chart = chart_of(curve);
      charts.curves.push_back(view_of(chart));
      charts.numbers.push_back(numbers_of(chart));
    }
  for (const ChartGroup& chart : {attack_cost_chart(summary), defense_cost_chart(summary)}) {
    if (chart.views.empty()) continue;
    charts.costs.push_back(view_of(chart));
    charts.numbers.push_back(numbers_of(chart));
  }
  return charts;
}

std::string script_data(const View& value) {
  // A name that is no UTF-8 must not end the report.
  const std::string text = visible(value.dump(-1, ' ', false, View::error_handler_t::replace));
  std::string safe;
  for (const char c : text) {
    if (c == '<')
      safe += "\\u003c";  // else "</script>" in a name would end the element
    else
      safe += c;
  }
  return safe;
}

}  // namespace gauntlet::reports::page
