#include "reports/paper/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "reports/text/latex.h"

namespace gauntlet::reports::paper {
namespace {

// In a page of A4 or letter with margins of an inch, at \small, tables of at most these sizes fit.
constexpr double kLineWidth = 440, kFloatHeight = 500;                           // points
constexpr double kCharacter = 5.2, kDigit = 5, kColumnGap = 7, kRowHeight = 12;  // points
constexpr size_t kLongestInTable = 30, kKept = 22, kLongestKey = 1000;           // characters

/// Names as the table prints them, and what it says of those it cuts.
class Names {
 public:
  std::string shown(const std::string& name) {
    if (width_of(name) <= kLongestInTable) return latex(name);
    const auto [number, is_new] = numbers_.try_emplace(name, numbers_.size() + 1);
    if (is_new) printed_ += width_of(name);
    if (is_new)
      key_ +=
          fmt::format("{}[{}] {}", key_.empty() ? "" : "; ", number->second, latex_breakable(name));
    return latex(beginning(name)) + fmt::format("\\dots{{}} {{[}}{}{{]}}", number->second);
  }
  static double width(const std::string& name) {
    return kCharacter * double(std::min(width_of(name), kLongestInTable));
  }
  bool key_fits() const { return printed_ <= kLongestKey; }
  /// "" where none was cut.
  std::string key() const { return key_.empty() ? "" : "Names in full: " + key_ + "."; }

 private:
  // A character may take many bytes, and be printed as many characters.
  static std::string beginning(const std::string& name) {
    std::string out = name;
    while (!out.empty() && (width_of(out) > kKept || (uint8_t(name[out.size()]) & 0xc0) == 0x80))
      out.pop_back();
    return out;
  }
  std::map<std::string, size_t> numbers_;
  size_t printed_ = 0;
  std::string key_;
};

class Layout {
 public:
  explicit Layout(const PaperTable& table) : table_(table) {
    name_width_ = Names::width(table.corner);
    for (const auto& row : table.rows) name_width_ = std::max(name_width_, Names::width(row.name));
    const double flat = name_width_ + total(/*turned=*/false);
    turned_ = flat > kLineWidth;
    // As wide as each other, so that the last one is no stub.
    const double room = kLineWidth - name_width_, all = total(turned_);
    const double parts = std::ceil(all / std::max(room, 60.0));
    double used = 0;
    for (size_t i = 0; i < table.columns.size(); ++i) {
      const double width = width_of_column(i, turned_);
      if (parts_.empty() || used + width / 2 > all / parts * double(parts_.size()) ||
          width_of_part_ + width > room)
        parts_.emplace_back(), width_of_part_ = 0;
      parts_.back().push_back(i);
      used += width, width_of_part_ += width;
    }
  }

  std::string text() {
    const std::vector<std::vector<size_t>> pages = pages_of_rows();
    std::string out;
    size_t floats = 0;
    for (size_t page = 0; page < pages.size(); ++page)
      for (const std::vector<std::vector<size_t>>& parts : floats_of(pages[page].size())) {
        const bool first = out.empty();
        const bool last = page + 1 == pages.size() && parts.back() == parts_.back();
        out += "\\begin{table}[!htbp]\n  \\centering\\small\n  \\setlength{\\tabcolsep}{3.5pt}%\n";
        out += first
                   ? fmt::format("  \\caption{{{}}}\n  \\label{{{}}}\n  \\vspace{{4pt}}\n",
                                 table_.caption, table_.label)
                   : fmt::format("  Table~\\ref{{{}}}, continued\\par\\smallskip\n", table_.label);
        for (size_t i = 0; i < parts.size(); ++i)
          out += (i ? "  \\par\\medskip\n" : "") + tabular(parts[i], pages[page]);
        if (last) out += notes();
        out += "\\end{table}\n";
        if (++floats % kFloatsHeld == 0) out += "\\clearpage\n";
      }
    return out + text_below();
  }

 private:
  double width_of_column(size_t i, bool turned) const {
    const double cells = kDigit * double(table_.digits);
    const bool gap = std::count(table_.gaps.begin(), table_.gaps.end(), i) > 0;
    return std::max(turned ? kRowHeight : Names::width(table_.columns[i]), cells) +
           (gap ? 2 : 1) * kColumnGap;
  }
  double total(bool turned) const {
    double width = 0;
    for (size_t i = 0; i < table_.columns.size(); ++i) width += width_of_column(i, turned);
    return width;
  }
  double head_height() const {
    double height = kRowHeight;
    if (turned_)
      for (const std::string& column : table_.columns)
        height = std::max(height, Names::width(column));
    return height + 2 * kRowHeight;
  }

  /// Rows that stand on one page, in their order.
  std::vector<std::vector<size_t>> pages_of_rows() const {
    const auto most = size_t((kFloatHeight - head_height()) / kRowHeight);
    std::vector<std::vector<size_t>> pages;
    for (size_t i = 0; i < table_.rows.size(); ++i) {
      size_t with = i + 1;  // rows that go on stay with theirs
      while (with < table_.rows.size() && table_.rows[with].continues) ++with;
      if (pages.empty() || (!table_.rows[i].continues && pages.back().size() + with - i > most))
        pages.emplace_back();
      pages.back().push_back(i);
    }
    return pages;
  }

  /// Parts of so many rows, as many in a float as its height takes.
  std::vector<std::vector<std::vector<size_t>>> floats_of(size_t rows) const {
    const double height = head_height() + kRowHeight * double(rows);
    const auto most = std::max(size_t(1), size_t(kFloatHeight / height));
    std::vector<std::vector<std::vector<size_t>>> floats;
    for (const std::vector<size_t>& part : parts_) {
      if (floats.empty() || floats.back().size() == most) floats.emplace_back();
      floats.back().push_back(part);
    }
    return floats;
  }

  std::string tabular(const std::vector<size_t>& columns, const std::vector<size_t>& rows) {
    std::string form, head = latex(table_.corner);
    for (const size_t i : columns) {
      const bool gap = std::count(table_.gaps.begin(), table_.gaps.end(), i) > 0;
      form += gap ? "@{\\hspace{14pt}}r" : "r";
      const std::string name = names_.shown(table_.columns[i]);
      head += turned_ ? fmt::format(" & \\rotatebox{{90}}{{{}}}", name)
                      : fmt::format(" & \\multicolumn{{1}}{{{}c}}{{{}}}",
                                    gap ? "@{\\hspace{14pt}}" : "", name);
    }
    std::string out = fmt::format(
        "  \\begin{{tabular}}{{@{{}}l{}@{{}}}}\n    \\toprule\n    {} \\\\\n    \\midrule\n", form,
        head);
    for (const size_t r : rows) {
      const PaperTable::Row& row = table_.rows[r];
      out += "    " + names_.shown(row.name);
      for (const size_t i : columns) out += " & " + row.cells.at(i);
      const bool goes_on = r + 1 < table_.rows.size() && table_.rows[r + 1].continues;
      out += goes_on ? " \\\\[-1pt]\n" : " \\\\\n";
    }
    return out + "    \\bottomrule\n  \\end{tabular}\n";
  }

  std::string notes() const {
    std::string text;
    for (const std::string& note : table_.notes) text += (text.empty() ? "" : " ") + note;
    if (const std::string key = names_.key(); !key.empty() && names_.key_fits())
      text += (text.empty() ? "" : " ") + key;
    if (text.empty()) return "";
    return "  \\par\\medskip\n  \\begin{minipage}{\\linewidth}\\footnotesize\\raggedright\n    " +
           text + "\n  \\end{minipage}\n";
  }

  /// What is too long for a float, which cannot break over pages.
  std::string text_below() const {
    if (names_.key_fits()) return "";
    return "{\\footnotesize\\raggedright\\noindent " +
           fmt::format("Table~\\ref{{{}}}. ", table_.label) + names_.key() + "\\par}\n";
  }

  const PaperTable& table_;
  Names names_;
  double name_width_ = 0, width_of_part_ = 0;
  bool turned_ = false;
  std::vector<std::vector<size_t>> parts_;  // columns of each tabular
};

}  // namespace

std::string paper_table(const PaperTable& table) { return Layout(table).text(); }

}  // namespace gauntlet::reports::paper
