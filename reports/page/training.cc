// How the networks of a run were trained, as their logs tell.
#include <algorithm>
#include <cmath>
#include <limits>

#include "reports/drawing/plot.h"
#include "reports/page/view.h"
#include "reports/text/text.h"

namespace gauntlet::reports::page {
namespace {
using Json = nlohmann::ordered_json;

struct Curve {
  const char *column, *name;
  double factor;
};
constexpr Curve kLoss[] = {{"loss", "training loss", 1}};
constexpr Curve kAccuracy[] = {{"accuracy", "trained on", 100},
                               {"validation_clean", "validation", 100},
                               {"validation_robust", "validation under attack", 100}};
constexpr Curve kRate[] = {{"learning_rate", "learning rate", 1}};

/// A column of the log over epochs; empty if it has none or holds no number.
Series series_of(const Json& log, const Curve& curve) {
  Series series{curve.name, {}};
  const Json& columns = log.at("columns");
  const auto place = [&](const char* name) {
    return size_t(std::find(columns.begin(), columns.end(), name) - columns.begin());
  };
  const size_t x = place("epoch"), y = place(curve.column);
  if (x == columns.size() || y == columns.size()) return series;
  for (const Json& row : log.at("rows"))
    if (row.at(x).is_number() && row.at(y).is_number())
      series.points.emplace_back(row[x].get<double>(), curve.factor * row[y].get<double>());
  return series;
}

template <size_t n>
void add_panel(std::vector<Panel>& panels, const Json& log, const std::string& title,
               const Curve (&curves)[n]) {
  Panel panel{title, {}};
  for (const Curve& curve : curves)
    if (Series series = series_of(log, curve); !series.points.empty())
      panel.series.push_back(std::move(series));
  if (!panel.series.empty()) panels.push_back(std::move(panel));
}
}  // namespace

View trainings_of(const Summary& summary) {
  View all = View::array();
  const Json settings = object_of(summary.run.settings);
  if (!settings.contains("training_logs")) return all;
  for (const auto& [model, log] : settings["training_logs"].items()) {
    std::vector<Panel> panels;
    add_panel(panels, log, "accuracy, %", kAccuracy);
    add_panel(panels, log, "loss", kLoss);
    add_panel(panels, log, "learning rate", kRate);
    if (!panels.empty())
      all.push_back({{"model", model}, {"plot", plot_svg("epoch", panels, false)}});
  }
  return all;
}

}  // namespace gauntlet::reports::page
