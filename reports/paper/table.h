// Tables of a paper: booktabs, cut to the page.
#pragma once
#include <string>
#include <vector>

namespace gauntlet::reports::paper {

/// Floats after which a page is forced: LaTeX keeps some dozens that have no place yet, then fails.
inline constexpr size_t kFloatsHeld = 10;

struct PaperTable {
  std::string label;                 ///< "tab:linf8"
  std::string caption;               ///< LaTeX
  std::string corner;                ///< plain text: what the first column holds
  std::vector<std::string> columns;  ///< plain text: names of the other columns
  /// Columns that are set apart from those before them by a gap.
  std::vector<size_t> gaps;
  struct Row {
    std::string name;                ///< plain text
    std::vector<std::string> cells;  ///< LaTeX, one a column
    bool continues = false;          ///< of the row above: both stand on one page
  };
  std::vector<Row> rows;
  size_t digits = 4;               ///< printed width of the widest cell, in digits
  std::vector<std::string> notes;  ///< LaTeX, a sentence each
};

/// Floats for \input, which need booktabs and graphicx. Columns that do not fit the width of a page
/// go into further tabulars below, which repeat the rows' names; rows that do not fit its height go
/// into further floats. Long names are cut and told in full below the table.
std::string paper_table(const PaperTable& table);

}  // namespace gauntlet::reports::paper
