// A run as LaTeX: tables and figures to \input, the BibTeX of what was used, and a document of them
// all. No model runs.
#pragma once
#include <string>
#include <vector>

#include "reports/paper/table.h"
#include "reports/summary.h"
#include "results/run_records.h"

namespace gauntlet::reports::paper {

struct PaperFile {
  std::string name;  ///< "table-linf8.tex"
  std::string text;
};

/// paper.tex, which pdflatex takes as it is, and the files it reads.
std::vector<PaperFile> paper_of(const results::RunRecords& records);
/// What the text of each table and figure begins with, so that those of an earlier run can be told
/// from the author's own.
inline constexpr std::string_view kPaperMark = "% Made from the records of a run. ";

/// Parts of it. Tables and figures have different names, whatever their threats are called.
std::vector<PaperFile> paper_tables(const Summary& summary, const results::OutcomesOf& outcomes);
std::vector<PaperFile> paper_figures(const Summary& summary);

/// Accuracies under one threat, the best of each column in bold.
PaperTable accuracy_table(const Summary& summary, const results::OutcomesOf& outcomes,
                          const results::Threat& threat);
PaperTable differences_table(const Summary& summary, const results::Threat& threat);
PaperTable certified_table(const Summary& summary);

/// `wanted`, or with a number where one of the files (their names without .tex) has that name.
std::string name_beside(const std::vector<PaperFile>& files, const std::string& wanted);
/// "$\ell_\infty$, $\varepsilon = 8/255$"
std::string latex_title(const results::Threat& threat);

}  // namespace gauntlet::reports::paper
