#include "reports/paper/paper.h"

#include <fmt/format.h>

#include <algorithm>

#include "reports/best.h"
#include "reports/citations.h"
#include "reports/paper/table.h"
#include "reports/text/latex.h"
#include "reports/text/text.h"

namespace gauntlet::reports::paper {
namespace {

constexpr const char* kBegin =
    R"(% Made from the records of a run. pdflatex reads it as it is; with references:
%   pdflatex paper && bibtex paper && pdflatex paper && pdflatex paper
% Its tables and figures are for \input into other documents, which need the same packages.
\documentclass[10pt,a4paper]{article}
\usepackage[utf8]{inputenc}
\usepackage[T1]{fontenc}
\usepackage{mathptmx,courier}
\usepackage[margin=1in]{geometry}
\usepackage{booktabs,graphicx}
\usepackage{pgfplots}
\pgfplotsset{compat=1.16}
\emergencystretch=3em
)";

std::string introduction(const Summary& summary) {
  const results::Store::Run& run = summary.run;
  const auto count = [](size_t number, const char* noun) {
    return latex(counted(int64_t(number), noun));
  };
  std::string text =
      fmt::format("{}, {} and {}: {}. The run began {}.", count(summary.defenses.size(), "defense"),
                  count(summary.attacks.size(), "attack"), count(summary.threats.size(), "threat"),
                  count(run.cells.size(), "cell"), latex(day_and_time(run.started)));
  const auto failed =
      std::count_if(run.cells.begin(), run.cells.end(),
                    [](const results::CellRecord& cell) { return !has_result(cell); });
  if (failed > 0)
    text += fmt::format(" Without a result: {}; the report names the reasons.",
                        count(size_t(failed), "cell"));
  if (!run.complete) text += " The run was stopped before its end.";
  return text;
}

std::string document(const Summary& summary, const std::vector<PaperFile>& parts,
                     bool has_references) {
  std::string text = kBegin;
  text += "\\title{" + latex_breakable(summary.run.suite) +
          "}\n\\author{}\n\\date{}\n\\begin{document}\n\\maketitle\n\\noindent " +
          introduction(summary) + "\n\n";
  for (size_t i = 0; i < parts.size(); ++i) {
    text += "\\input{" + parts[i].name.substr(0, parts[i].name.size() - 4) + "}\n";
    if (i % kFloatsHeld == kFloatsHeld - 1) text += "\\clearpage\n";
  }
  text += "\\clearpage\n";
  if (has_references)
    text += "\\nocite{*}\n\\bibliographystyle{plain}\n\\bibliography{references}\n";
  return text + "\\end{document}\n";
}

}  // namespace

std::string name_beside(const std::vector<PaperFile>& files, const std::string& wanted) {
  std::string name = wanted;
  const auto taken = [&](const PaperFile& file) { return file.name == name + ".tex"; };
  for (int number = 2; std::any_of(files.begin(), files.end(), taken); ++number)
    name = wanted + "-" + std::to_string(number);
  return name;
}

std::vector<PaperFile> paper_of(const results::RunRecords& records) {
  const Summary summary(records.run);
  std::vector<PaperFile> files = paper_tables(summary, remembering(records.outcomes));
  for (PaperFile& figure : paper_figures(summary)) files.push_back(std::move(figure));
  std::string references;
  for (const Citation& one : citations_of(records.run)) references += one.bibtex + "\n\n";
  const std::string paper = document(summary, files, !references.empty());
  files.push_back({"references.bib", references});
  files.push_back({"paper.tex", paper});
  return files;
}

}  // namespace gauntlet::reports::paper
