// Figures of a paper, drawn by pgfplots.
#include <fmt/format.h>

#include <algorithm>

#include "reports/certified.h"
#include "reports/latex.h"
#include "reports/paper.h"
#include "reports/plot.h"
#include "reports/text.h"

namespace gauntlet {
namespace {

constexpr int kCurvePoints = 200;
constexpr size_t kLongestLegend = 40;  // characters of one name

/// One line of a figure; points that are not finite leave a gap.
struct Line {
  std::string name;  ///< plain text
  std::vector<std::pair<double, double>> points;
  bool is_marked = true;  ///< a mark at every point
};

struct Figure {
  std::string label, caption;  ///< LaTeX
  std::string x_title;         ///< LaTeX
  bool log_x = false;
  std::vector<Line> lines;
};

std::string legend_of(const std::string& name) {
  std::string shown = name;
  while (width_of(shown) > kLongestLegend) do
      shown.pop_back();
    while (!shown.empty() && (uint8_t(name[shown.size()]) & 0xc0) == 0x80);
  return latex(shown) + (shown == name ? "" : "\\dots{}");
}

std::string text_of(const Figure& figure) {
  std::string out = fmt::format(
      "% Needs \\usepackage{{pgfplots}}.\n\\begin{{figure}}[!htbp]\n  \\centering\n"
      "  \\begin{{tikzpicture}}\n    \\begin{{axis}}[\n      width=0.8\\linewidth, height=7.5cm,\n"
      "      xlabel={{{}}}, ylabel={{accuracy in \\%}}, ymin=0, ymax=100,{}\n"
      "      grid=major, grid style={{gray!20}}, cycle list name=color list,\n"
      "      legend style={{font=\\footnotesize, draw=none, at={{(0.5,-0.22)}}, anchor=north}},\n"
      "      legend columns=2, legend cell align=left]\n",
      figure.x_title, figure.log_x ? " xmode=log," : "");
  for (const Line& line : figure.lines) {
    out += fmt::format("    \\addplot+[thick{}] coordinates {{",
                       line.is_marked ? ", mark=*, mark size=1.4pt" : ", no marks");
    for (const auto& [x, y] : line.points) out += fmt::format(" ({:.6g},{:.6g})", x, y);
    out += fmt::format("}};\n    \\addlegendentry{{{}}}\n", legend_of(line.name));
  }
  return out + fmt::format(
                   "    \\end{{axis}}\n  \\end{{tikzpicture}}\n  \\caption{{{}}}\n"
                   "  \\label{{{}}}\n\\end{{figure}}\n",
                   figure.caption, figure.label);
}

std::optional<Figure> certified_figure(const Summary& summary) {
  Figure figure{"", "Certified accuracy by $\\ell_2$ radius.", "$\\ell_2$ radius"};
  for (const CertifiedGroup& group : summary.certified) {
    if (!group.ok) continue;
    Line& line = figure.lines.emplace_back(Line{group.defense, {}, false});
    const double most = largest_radius(group);
    for (int i = 0; i <= kCurvePoints; ++i) {
      const double radius = most * i / kCurvePoints;
      line.points.emplace_back(radius, 100 * accuracy_at(group, radius).mean);
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
  if (const auto figure = certified_figure(summary)) add("certified", *figure);
  return files;
}

}  // namespace gauntlet
