// Line plots as SVG, for pages and files. Colours are the reader's: they follow the page's theme.
#pragma once
#include <string>
#include <utility>
#include <vector>

namespace gauntlet::reports {

struct Series {
  std::string name;
  std::vector<std::pair<double, double>> points;  ///< x ascending; points that are not finite gap
  bool reference = false;  ///< a limit to compare with: dashed, not in the legend
};

/// One frame; several stand side by side over the same kind of x.
struct Panel {
  std::string title;  ///< what y is, with its unit
  std::vector<Series> series;
  bool from_zero = false;  ///< y begins at 0 or below
};

/// A complete <svg> element. `standalone`: a file of its own (with background and namespace), not a
/// part of a page.
std::string plot_svg(const std::string& x_title, const std::vector<Panel>& panels, bool standalone);

/// Round steps from at most `low` to at least `high`, about `count` of them.
std::vector<double> ticks(double low, double high, int count);

}  // namespace gauntlet::reports
