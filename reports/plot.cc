#include "reports/plot.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>

#include "reports/text.h"

namespace gauntlet {
namespace {
constexpr double kWidth = 360, kHeight = 240, kLeft = 52, kRight = 12, kTop = 28, kBottom = 40;
constexpr double kLegendLine = 18;
// Okabe and Ito's colours, told apart by all readers and on both themes.
constexpr const char* kColours[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                    "#56b4e9", "#e69f00", "#8a8a8a", "#b5a800"};
const char* colour(size_t i) { return kColours[i % std::size(kColours)]; }

std::string safe(const std::string& text) {
  std::string out;
  for (const char c : text) switch (c) {
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

void draw_series(std::ostream& out, const Series& series, const Scale& x, const Scale& y,
                 const char* stroke) {
  std::string path;
  bool pen_down = false;
  for (const auto& [a, b] : series.points) {
    if (!std::isfinite(a) || !std::isfinite(b)) {
      pen_down = false;
      continue;
    }
    path += (pen_down ? "L" : "M") + rounded(x(a)) + " " + rounded(y(b));
    pen_down = true;
  }
  out << "<path class=\"line\" stroke=\"" << stroke << "\" d=\"" << path << "\"><title>"
      << safe(series.name) << "</title></path>";
}

void draw_panel(std::ostream& out, const Panel& panel, double left, const std::string& x_title) {
  Extent across, up;
  for (const Series& series : panel.series)
    for (const auto& [a, b] : series.points)
      if (std::isfinite(a) && std::isfinite(b)) across.add(a), up.add(b);
  if (panel.from_zero) up.add(0);
  if (across.empty()) across.low = across.high = up.low = up.high = 0;
  const Scale x{ticks(across.low, across.high, 5), left + kLeft, left + kWidth - kRight},
      y{ticks(up.low, up.high, 5), kHeight - kBottom, kTop};
  draw_frame(out, x, y, panel.title, x_title);
  for (size_t i = 0; i < panel.series.size(); ++i)
    draw_series(out, panel.series[i], x, y, colour(i));
}

// Names in the order of the panel that has most of them; lines of one name share a colour.
double draw_legend(std::ostream& out, const std::vector<Panel>& panels, double width) {
  const auto most = std::max_element(
      panels.begin(), panels.end(),
      [](const auto& a, const auto& b) { return a.series.size() < b.series.size(); });
  if (most == panels.end() || most->series.size() < 2) return 0;
  double x = kLeft, y = kHeight + 14;
  for (size_t i = 0; i < most->series.size(); ++i) {
    const std::string& name = most->series[i].name;
    const double room = 30 + 6.6 * double(name.size());
    if (x > kLeft && x + room > width) x = kLeft, y += kLegendLine;
    out << "<path class=\"line\" stroke=\"" << colour(i) << "\" d=\"M" << rounded(x) << ' '
        << rounded(y - 4) << "h16\"></path>";
    text(out, x + 21, y, "start", "tick", name);
    x += room;
  }
  return y + 10 - kHeight;
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
  for (double i = first; i <= last; ++i) marks.push_back(i * step);
  return marks;
}

std::string plot_svg(const std::string& x_title, const std::vector<Panel>& panels,
                     bool standalone) {
  std::ostringstream body;
  const double width = kWidth * double(std::max<size_t>(1, panels.size()));
  for (size_t i = 0; i < panels.size(); ++i)
    draw_panel(body, panels[i], kWidth * double(i), x_title);
  const double height = kHeight + draw_legend(body, panels, width);
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

}  // namespace gauntlet
