// Figures of a paper, drawn by pgfplots: what a suite crossed, and certificates.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "reports/certified.h"
#include "reports/curves.h"
#include "reports/paper/paper.h"
#include "reports/text/latex.h"
#include "reports/text/text.h"

namespace gauntlet::reports::paper {
namespace {

constexpr int kCurvePoints = 200;
constexpr size_t kLongestLegend = 34;  // characters of one name

/// Lines differ in colour, mark and dashes, so that print without colour tells them apart too.
constexpr const char* kColours[] = {"blue!75!black",   "red!80!black",    "green!50!black",
                                    "orange!90!black", "violet!85!black", "cyan!65!black",
                                    "brown!85!black",  "black!70"};
constexpr const char* kMarks[] = {"*", "square*", "triangle*", "diamond*", "pentagon*", "x", "+"};
constexpr const char* kDashes[] = {"solid", "dashed", "densely dotted", "dash dot"};

struct Figure {
  std::string label, caption, x_title;  ///< LaTeX
  bool log_x = false;
  bool are_steps = false;  ///< no marks, no intervals
  std::vector<CurveLine> lines;
};

std::string legend_of(const std::string& name) {
  std::string shown = name;
  while (width_of(shown) > kLongestLegend) do {
      shown.pop_back();
    } while (!shown.empty() && (uint8_t(name[shown.size()]) & 0xc0) == 0x80);
  return latex(shown) + (shown == name ? "" : "\\dots{}");
}

/// "(x,y) += (0,above) -= (0,below)", in percent.
std::string coordinate_of(const CurvePoint& point, bool with_interval) {
  const double y = 100 * point.accuracy;
  std::string text = fmt::format(" ({:.6g},{:.4g})", point.x, y);
  if (with_interval)
    text += fmt::format(" += (0,{:.4g}) -= (0,{:.4g})", std::max(0.0, 100 * point.high - y),
                        std::max(0.0, y - 100 * point.low));
  return text;
}

std::string line_text(const Figure& figure, const CurveLine& line, size_t number) {
  const std::string colour = kColours[number % std::size(kColours)],
                    mark = kMarks[number % std::size(kMarks)],
                    dash = kDashes[number / std::size(kColours) % std::size(kDashes)];
  std::string out =
      figure.are_steps
          ? fmt::format("    \\addplot[{}, {}, thick, const plot] coordinates {{", colour, dash)
          : fmt::format(
                "    \\addplot[{}, {}, thick, mark={}, mark size=1.6pt, mark options=solid,\n"
                "      error bars/.cd, y dir=both, y explicit] coordinates {{",
                colour, dash, mark);
  std::string bounds, flagged;
  for (const CurvePoint& point : line.points) {
    if (!std::isfinite(point.x) || (figure.log_x && point.x <= 0)) continue;
    out += coordinate_of(point, !figure.are_steps);
    if (point.upper_bound) bounds += coordinate_of(point, false);
    if (point.flagged) flagged += coordinate_of(point, false);
  }
  out += "};\n";
  if (figure.lines.size() > 1)
    out += fmt::format("    \\addlegendentry{{{}}}\n", legend_of(line.name));
  if (!bounds.empty())
    out += fmt::format(
        "    \\addplot[{}, only marks, mark=o, mark size=3pt, forget plot] coordinates {{{}}};\n",
        colour, bounds);
  if (!flagged.empty())
    out += fmt::format(
        "    \\addplot[{}, only marks, mark=x, mark size=4pt, forget plot] coordinates {{{}}};\n",
        colour, flagged);
  return out;
}

std::string text_of(const Figure& figure) {
  std::string out = fmt::format(
      "{}Needs \\usepackage{{pgfplots}}.\n\\begin{{figure}}[!htbp]\n  \\centering\n"
      "  \\begin{{tikzpicture}}\n    \\begin{{axis}}[\n      width=0.8\\linewidth, height=7cm,\n"
      "      xlabel={{{}}}, ylabel={{accuracy in \\%}}, ymin=0, ymax=100,{}\n"
      "      grid=major, grid style={{gray!20}}, axis line style={{gray}},\n"
      "      scaled x ticks=false, tick label style={{font=\\footnotesize, /pgf/number "
      "format/fixed,\n"
      "        /pgf/number format/precision=4}},\n"
      "      legend style={{font=\\scriptsize, draw=none, at={{(0.5,-0.2)}}, anchor=north}},\n"
      "      legend columns=2, legend cell align=left]\n",
      kPaperMark, figure.x_title,
      figure.log_x ? " xmode=log, log ticks with fixed point," : " enlarge x limits=0.03,");
  for (size_t i = 0; i < figure.lines.size(); ++i) out += line_text(figure, figure.lines[i], i);
  return out + fmt::format(
                   "    \\end{{axis}}\n  \\end{{tikzpicture}}\n  \\caption{{{}}}\n"
                   "  \\label{{{}}}\n\\end{{figure}}\n",
                   figure.caption, figure.label);
}

Figure figure_of(const Summary& summary, const CurveChart& chart, const CurveView& view) {
  Figure figure{"", latex_breakable(chart.title), latex(chart.x_title), chart.log_x};
  figure.lines = view.lines;
  if (!view.name.empty()) figure.caption += ", " + latex_breakable(view.name);
  // One line needs no legend.
  if (view.lines.size() == 1 && view.lines.front().name != "…")
    figure.caption += ": " + latex_breakable(view.lines.front().name);
  figure.caption += summary.seeds.size() > 1 ? ". Bars: one standard deviation over seeds."
                                             : ". Bars: intervals over images.";
  const auto any = [&](bool CurvePoint::*is) {
    return std::any_of(view.lines.begin(), view.lines.end(), [&](const CurveLine& line) {
      return std::any_of(line.points.begin(), line.points.end(),
                         [&](const CurvePoint& point) { return point.*is; });
    });
  };
  if (any(&CurvePoint::upper_bound))
    figure.caption += " Ringed: an upper bound, as an attack has no valid result.";
  if (any(&CurvePoint::flagged))
    figure.caption += " Crossed: the audit has a finding, which the report tells.";
  return figure;
}

std::optional<Figure> certified_figure(const Summary& summary) {
  Figure figure{"", "Certified accuracy by $\\ell_2$ radius.", "$\\ell_2$ radius"};
  figure.are_steps = true;
  for (const CertifiedGroup& group : summary.certified) {
    if (!group.ok) continue;
    CurveLine& line = figure.lines.emplace_back(CurveLine{group.defense, {}});
    const double most = largest_radius(group);
    for (int i = 0; i <= kCurvePoints; ++i) {
      CurvePoint& point = line.points.emplace_back();
      point.x = most * i / kCurvePoints;
      point.accuracy = accuracy_at(group, point.x).mean;
    }
  }
  return figure.lines.empty() ? std::nullopt : std::optional(figure);
}

}  // namespace

std::vector<PaperFile> paper_figures(const Summary& summary) {
  std::vector<PaperFile> files;
  const auto add = [&](const std::string& wanted, Figure figure) {
    const std::string name = name_beside(files, "figure-" + wanted);
    figure.label = "fig:" + name.substr(name.find('-') + 1);
    files.push_back({name + ".tex", text_of(figure)});
  };
  for (const CurveChart& chart : curves_of(summary))
    for (const CurveView& view : chart.views) {
      const std::string slug = slug_of(chart.x_title + " " + view.name);
      add(slug.empty() ? "curve" : slug, figure_of(summary, chart, view));
    }
  if (const auto figure = certified_figure(summary)) add("certified", *figure);
  return files;
}

}  // namespace gauntlet::reports::paper
