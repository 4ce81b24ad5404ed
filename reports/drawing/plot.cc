#include "reports/drawing/plot.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>

#include "reports/text/free_text.h"
#include "reports/text/text.h"

namespace gauntlet::reports {
namespace {
constexpr double kWidth = 360, kHeight = 240, kLeft = 52, kRight = 12, kTop = 28, kBottom = 40;
constexpr double kLegendLine = 18;
// Okabe and Ito's colours, told apart by all readers and on both themes.
constexpr const char* kPlotColours[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                        "#56b4e9", "#e69f00", "#7a5195", "#b5a800"};
constexpr const char* kReferenceColour = "#8a8a8a";
const char* colour(size_t i) { return kPlotColours[i % std::size(kPlotColours)]; }

std::string safe(const std::string& text) {
  std::string out;
  for (const char c : visible(text)) switch (c) {
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '&':
        out += "&amp;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  return out;
}

std::string rounded(double value) {
  std::ostringstream out;
  out.precision(6);
  out << value;
  return out.str();
}

struct Extent {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  void add(double value) {
    if (!std::isfinite(value)) return;
    low = std::min(low, value), high = std::max(high, value);
  }
  bool empty() const { return low > high; }
};

// Data to pixels along one axis, between its first and last tick.
struct Scale {
  std::vector<double> marks;
  double from, to;  // pixels
  double operator()(double value) const {
    const double span = marks.back() - marks.front();
    return from + (to - from) * (span > 0 ? (value - marks.front()) / span : 0.5);
  }
};

void text(std::ostream& out, double x, double y, const char* anchor, const char* kind,
          const std::string& content) {
  out << "<text class=\"" << kind << "\" x=\"" << rounded(x) << "\" y=\"" << rounded(y)
      << "\" text-anchor=\"" << anchor << "\">" << safe(content) << "</text>";
}

void draw_frame(std::ostream& out, const Scale& x, const Scale& y, const std::string& title,
                const std::string& x_title) {
  for (const double mark : y.marks) {
    out << "<path class=\"grid\" d=\"M" << rounded(x.from) << ' ' << rounded(y(mark)) << 'H'
        << rounded(x.to) << "\"></path>";
    text(out, x.from - 6, y(mark) + 4, "end", "tick", rounded(mark));
  }
  for (const double mark : x.marks)
    text(out, x(mark), y.from + 16, "middle", "tick", rounded(mark));
  text(out, x.from, kTop - 12, "start", "name", title);
  text(out, (x.from + x.to) / 2, y.from + 33, "middle", "tick", x_title);
}

// Strokes between gaps; one of a single point has no length, and is drawn as a dot.
void draw_series(std::ostream& out, const Series& series, const Scale& x, const Scale& y,
                 const char* stroke) {
  std::string path, dots;
  const auto there = [&](size_t i) {
    return i < series.points.size() && std::isfinite(series.points[i].first) &&
           std::isfinite(series.points[i].second);
  };
  for (size_t i = 0; i < series.points.size(); ++i) {
    if (!there(i)) continue;
    const bool begins = i == 0 || !there(i - 1);
    const std::string across = rounded(x(series.points[i].first)),
                      up = rounded(y(series.points[i].second));
    if (begins && !there(i + 1))
      dots += "<circle fill=\"" + std::string(stroke) + "\" cx=\"" + across + "\" cy=\"" + up +
              "\" r=\"2.5\"></circle>";
    else
      path += (begins ? "M" : "L") + across + " " + up;
  }
  out << "<g><title>" << safe(series.name) << "</title>";
  if (!path.empty())
    out << "<path class=\"line\" stroke=\"" << stroke << '"'
        << (series.reference ? " stroke-dasharray=\"5 4\"" : "") << " d=\"" << path << "\"></path>";
  out << dots << "</g>";
}

// Names have the same colour in all panels: that of their place among all.
std::vector<std::string> names_of(const std::vector<Panel>& panels) {
  std::vector<std::string> names;
  for (const Panel& panel : panels)
    for (const Series& series : panel.series)
      if (!series.reference && std::find(names.begin(), names.end(), series.name) == names.end())
        names.push_back(series.name);
  return names;
}

void draw_panel(std::ostream& out, const Panel& panel, double left, const std::string& x_title,
                const std::vector<std::string>& names) {
  Extent across, up;
  for (const Series& series : panel.series)
    for (const auto& [a, b] : series.points)
      if (std::isfinite(a) && std::isfinite(b)) across.add(a), up.add(b);
  if (panel.from_zero) up.add(0);
  if (across.empty()) across.low = across.high = up.low = up.high = 0;
  const Scale x{ticks(across.low, across.high, 5), left + kLeft, left + kWidth - kRight},
      y{ticks(up.low, up.high, 5), kHeight - kBottom, kTop};
  draw_frame(out, x, y, panel.title, x_title);
  for (const Series& series : panel.series) {
    const auto place = std::find(names.begin(), names.end(), series.name);
    draw_series(out, series, x, y,
                series.reference ? kReferenceColour : colour(size_t(place - names.begin())));
  }
}

// A line alone in its panel is named by the panel's title.
bool in_company(const std::string& name, const std::vector<Panel>& panels) {
  return std::any_of(panels.begin(), panels.end(), [&](const Panel& panel) {
    const auto& all = panel.series;
    const auto lines = std::count_if(all.begin(), all.end(), [](auto& s) { return !s.reference; });
    return lines > 1 &&
           std::any_of(all.begin(), all.end(), [&](auto& s) { return s.name == name; });
  });
}

// The height it takes.
double draw_legend(std::ostream& out, const std::vector<Panel>& panels,
                   const std::vector<std::string>& names, double width) {
  double x = kLeft, y = kHeight + 14, height = 0;
  for (size_t i = 0; i < names.size(); ++i) {
    const std::string& name = names[i];
    if (!in_company(name, panels)) continue;
    const double room = 30 + 6.6 * double(name.size());
    if (x > kLeft && x + room > width) x = kLeft, y += kLegendLine;
    out << "<path class=\"line\" stroke=\"" << colour(i) << "\" d=\"M" << rounded(x) << ' '
        << rounded(y - 4) << "h16\"></path>";
    text(out, x + 21, y, "start", "tick", name);
    x += room;
    height = y + 10 - kHeight;
  }
  return height;
}
}  // namespace

std::vector<double> ticks(double low, double high, int count) {
  if (!(high > low)) {  // a level line in the middle
    const double around = std::max(std::abs(low), 1.0) * 0.5;
    low -= around, high += around;
  }
  const double raw = (high - low) / std::max(1, count),
               power = std::pow(10, std::floor(std::log10(raw)));
  double step = 10 * power;
  for (const double nice : {1.0, 2.0, 2.5, 5.0})
    if (raw <= nice * power * (1 + 1e-9)) {
      step = nice * power;
      break;
    }
  std::vector<double> marks;
  const double first = std::floor(low / step + 1e-9), last = std::ceil(high / step - 1e-9);
  // Counted, since numbers next to each other may be as far apart as first and first + 1.
  const auto steps = int64_t(std::min(last - first, 1000.0));
  for (int64_t i = 0; i <= steps; ++i) marks.push_back((first + double(i)) * step);
  return marks;
}

std::string plot_svg(const std::string& x_title, const std::vector<Panel>& panels,
                     bool standalone) {
  std::ostringstream body;
  const double width = kWidth * double(std::max<size_t>(1, panels.size()));
  const std::vector<std::string> names = names_of(panels);
  for (size_t i = 0; i < panels.size(); ++i)
    draw_panel(body, panels[i], kWidth * double(i), x_title, names);
  const double height = kHeight + draw_legend(body, panels, names, width);
  std::ostringstream out;
  out << "<svg class=\"plot\" role=\"img\" viewBox=\"0 0 " << rounded(width) << ' '
      << rounded(height) << '"';
  if (standalone)
    out << " xmlns=\"http://www.w3.org/2000/svg\" width=\"" << rounded(width) << "\" height=\""
        << rounded(height)
        << "\"><style>svg{background:#fff;font:12px sans-serif}.line{fill:none;"
           "stroke-width:1.8}.grid{stroke:#dde2e8}.tick{fill:#5a6675}.name{font-weight:600;"
           "fill:#1a2029}</style";
  out << '>' << body.str() << "</svg>\n";
  return out.str();
}

}  // namespace gauntlet::reports
