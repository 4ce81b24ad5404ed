#include "reports/paper/paper.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>

#include "analysis/latest_run.h"
#include "reports/best.h"
#include "reports/citations.h"
#include "reports/curves.h"
#include "reports/files/write_reports.h"
#include "reports/text/latex.h"
#include "run_with_outcomes.h"
#include "tests/support/synthetic_store.h"
#include "tests/support/temporary_folder.h"

namespace gauntlet {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

const results::Threat kThreat{"linf", "linf", 0.1};

reports::paper::PaperTable table_of(const RunWithOutcomes& made) {
  const reports::Summary summary(made.run);
  return reports::paper::accuracy_table(summary, made.records().outcomes, kThreat);
}

/// The cells of a row.
std::vector<std::string> row(const reports::paper::PaperTable& table, const std::string& name) {
  for (const auto& each : table.rows)
    if (each.name == name) return each.cells;
  return {"no row " + name};
}

TEST(Latex, EscapesWhatMeansSomething) {
  EXPECT_EQ(reports::latex("a_b 50% & #1 $x$ {y}"), "a\\_b 50\\% \\& \\#1 \\$x\\$ \\{y\\}");
  EXPECT_EQ(reports::latex("~^\\"), "\\textasciitilde{}\\textasciicircum{}\\textbackslash{}");
  EXPECT_EQ(reports::latex("<script>"), "\\textless{}script\\textgreater{}");
  EXPECT_EQ(reports::latex("a--b"), "a{-}{-}b") << "no dash of its own";
  EXPECT_EQ(reports::latex("[x]"), "{[}x{]}") << "no option of the row's end before it";
  EXPECT_EQ(reports::latex("one\n\n%two\r"), "one  \\%two ");
}

TEST(Latex, KnowsWhatItCanPrint) {
  EXPECT_EQ(reports::latex("ε = 8/255, σ ≤ 1"), "$\\varepsilon$ = 8/255{,} $\\sigma$ $\\leq$ 1");
  EXPECT_EQ(reports::latex("Łódź"), "Łódź");
  EXPECT_EQ(reports::latex("中😀"), "\\texttt{U+4E2D}\\texttt{U+1F600}");
  EXPECT_EQ(reports::latex("\xff\xc3("), "\\texttt{0xFF}\\texttt{0xC3}(");
  EXPECT_EQ(reports::latex("\xed\xa0\x80"), "\\texttt{0xED}\\texttt{0xA0}\\texttt{0x80}")
      << "a surrogate";
  EXPECT_EQ(reports::latex("\xc0\xaf"), "\\texttt{0xC0}\\texttt{0xAF}")
      << "a slash in too many bytes";
}

// Nothing but what it writes itself has a meaning, and what it writes is closed.
TEST(Latex, LeavesNoNameAWayOut) {
  static const std::regex known(
      R"(\\(textbackslash|textasciitilde|textasciicircum|textless|textgreater|textbar|textquotedbl)"
      R"(|textasciigrave|textquotesingle|dots)\{\}|\\texttt\{(U\+[0-9A-F]+|0x[0-9A-F]{2})\})"
      R"(|\\[{}#$%&_]|\{[-,\[\]*]\}|\$(\\[a-z]+|[-^_][0-9]?)\$|--|---)");
  for (const std::string& name : awkward_names()) {
    const std::string rest = std::regex_replace(reports::latex(name), known, "");
    EXPECT_THAT(rest.find_first_of("\\{}#$%&_^~\n\r"), std::string::npos) << rest;
  }
}

TEST(Slug, IsAFileName) {
  EXPECT_EQ(reports::slug_of("Linf ε=8/255"), "linf-8-255");
  EXPECT_EQ(reports::slug_of("../../etc/passwd"), "etc-passwd");
  EXPECT_EQ(reports::slug_of("中文"), "");
  EXPECT_EQ(reports::slug_of(std::string(300, 'w')).size(), 60u);
}

TEST(Best, IsAllThatIsNotSignificantlyWorse) {
  RunWithOutcomes made;
  made.add("best", "pgd", right_first(500));
  made.add("near", "pgd", right_first(497));  // 3 of 3 discordant: p = 0.25
  made.add("worse", "pgd", right_first(450));
  const reports::paper::PaperTable table = table_of(made);
  EXPECT_THAT(row(table, "best")[1], HasSubstr("\\textbf"));
  EXPECT_THAT(row(table, "near")[1], HasSubstr("\\textbf"));
  EXPECT_EQ(row(table, "worse")[1], "45.0");
  EXPECT_THAT(table.caption, HasSubstr("Bold"));
}

// The same shares of right answers, on other images: the pairs decide, not the accuracies.
TEST(Best, IsOfPairsNotOfIntervals) {
  const auto marked = [](size_t shift) {
    RunWithOutcomes made;
    std::vector<bool> other(1000);
    for (size_t i = 0; i < 490; ++i) other[i + shift] = true;
    made.add("best", "pgd", right_first(500));
    made.add("other", "pgd", other);
    return row(table_of(made), "other")[1].find("textbf") != std::string::npos;
  };
  EXPECT_FALSE(marked(0)) << "10 images lost, none won";
  EXPECT_TRUE(marked(400)) << "400 lost and 390 won";
}

TEST(Best, IsCorrectedForLookingManyTimes) {
  RunWithOutcomes made;
  made.add("best", "pgd", right_first(500));
  made.add("one", "pgd", right_first(494));  // 6 of 6: p = 0.031
  EXPECT_EQ(row(table_of(made), "one")[1], "49.4");
  made.add("two", "pgd", right_first(494));
  EXPECT_THAT(row(table_of(made), "one")[1], HasSubstr("\\textbf")) << "0.0625 after Holm";
}

TEST(Best, IsNotMarkedWhereNothingCanBeCompared) {
  RunWithOutcomes made;
  made.add("alone", "pgd", right_first(500));
  EXPECT_EQ(row(table_of(made), "alone")[1], "50.0") << "of one row";
  made.add("unread", "pgd", right_first(100));
  made.outcomes.erase(made.run.cells.back().identity);
  EXPECT_EQ(row(table_of(made), "alone")[1], "50.0") << "without outcomes";
  EXPECT_THAT(table_of(made).caption, Not(HasSubstr("Bold")));
}

TEST(Best, OfWorstCasesIsPairedOverTheirMinima) {
  RunWithOutcomes made;
  for (const char* attack : {"fgsm", "pgd"}) {
    made.add("at", attack, right_first(500));
    made.add("near", attack, right_first(attack[0] == 'f' ? 600 : 497));
    made.add("low", attack, right_first(300));
  }
  for (const char* defense : {"at", "near", "low"}) made.add_worst_case(defense);
  const reports::paper::PaperTable table = table_of(made);
  ASSERT_THAT(table.columns, ElementsAre("clean", "fgsm", "pgd", "worst case"));
  EXPECT_THAT(row(table, "at")[3], HasSubstr("\\textbf"));
  EXPECT_THAT(row(table, "near")[3], HasSubstr("\\textbf"));
  EXPECT_EQ(row(table, "low")[3], "30.0");
  // Scored by draws of its own: the interval decides.
  made.run.worst_cases[1].robust_accuracy = 0.44;
  made.run.worst_cases[1].interval = {0.43, 0.45};
  EXPECT_EQ(row(table_of(made), "near")[3], "44.0");
  made.run.worst_cases[1].interval = {0.36, 0.52};
  EXPECT_THAT(row(table_of(made), "near")[3], HasSubstr("\\textbf"));
}

TEST(PaperTable, ShowsWhatFailedAsAMark) {
  RunWithOutcomes made;
  made.add("at", "pgd", right_first(500));
  made.add("plain", "pgd", right_first(900));
  for (const auto& [attack, status] : {std::pair("a", results::Status::kError),
                                       {"b", results::Status::kInvalid},
                                       {"c", results::Status::kSkipped}}) {
    made.add("at", attack, right_first(987)).status = status;
    made.add("plain", attack, right_first(100));
  }
  made.add_worst_case("at"), made.add_worst_case("plain");
  const reports::paper::PaperTable table = table_of(made);
  EXPECT_THAT(row(table, "at"), ElementsAre(::testing::_, "50.0", "err.", "inv.", "skip.",
                                            HasSubstr("$\\leq$ 50.0")));
  EXPECT_EQ(row(table, "at").back().find("textbf"), std::string::npos) << "an upper bound";
  const std::string text = paper_table(table);
  for (const char* legend :
       {"err.: the cell", "inv.: what", "skip.: the cell", "$\\leq$: an upper"})
    EXPECT_THAT(text, HasSubstr(legend));
  EXPECT_THAT(text, Not(HasSubstr("98.7")));
}

TEST(PaperTable, MarksTheRowThatTheAuditFails) {
  RunWithOutcomes made;
  for (const char* defense : {"at", "plain"}) {
    made.add(defense, "pgd", right_first(500));
    made.add_worst_case(defense);
  }
  results::RowAudit audit;
  audit.defense = "plain", audit.threat = kThreat;
  audit.checks = {{{"loss_rises", {{"share", 0.5}}}, results::Level::kFail}};
  made.run.audits = {audit};
  const reports::paper::PaperTable table = table_of(made);
  EXPECT_THAT(row(table, "plain").back(), HasSubstr("\\ddagger"));
  EXPECT_THAT(row(table, "at").back(), Not(HasSubstr("\\ddagger")));
  EXPECT_THAT(paper_table(table), HasSubstr("the audit fails the row: "));
  made.run.audits[0].checks[0].level = results::Level::kWarn;
  EXPECT_THAT(paper_table(table_of(made)), Not(HasSubstr("\\ddagger")));
}

TEST(PaperTable, OfFailuresOnlyHasNoNumber) {
  RunWithOutcomes made;
  for (const char* defense : {"at", "plain"}) {
    made.add(defense, "pgd", right_first(987)).status = results::Status::kError;
    made.add_worst_case(defense);
  }
  const reports::paper::PaperTable table = table_of(made);
  EXPECT_THAT(row(table, "at"), ElementsAre("--", "err.", "n/a"));
  EXPECT_THAT(table.caption, Not(HasSubstr("$n")));
}

TEST(PaperTable, SumsUpSeeds) {
  const results::Store::Run run = run_of_seeds();
  const reports::Summary summary(run);
  const reports::paper::PaperTable table =
      reports::paper::accuracy_table(summary, without_outcomes(run).outcomes, kThreat);
  EXPECT_THAT(row(table, "at"), ElementsAre("87.5\\,$\\pm$\\,0.0", "51.0\\,$\\pm$\\,1.0", "err.",
                                            HasSubstr("$\\leq$ 51.0\\,$\\pm$\\,1.0")));
  EXPECT_THAT(table.caption, HasSubstr("3 evaluation seeds"));
}

TEST(PaperTable, SaysWhatTheNumbersAreOf) {
  RunWithOutcomes made;
  made.add("at", "pgd", right_first(500));
  made.add("at", "slow", right_first(50, 100));
  const reports::paper::PaperTable table = table_of(made);
  EXPECT_THAT(table.caption, HasSubstr("$\\ell_\\infty$, $\\varepsilon = 0.1$"));
  EXPECT_THAT(table.caption, HasSubstr("fashion{-}mnist{-}1k (test, $n = 1000$)"));
  EXPECT_THAT(row(table, "at")[2], HasSubstr("50.0\\rlap{$^{a}$}"));
  EXPECT_THAT(paper_table(table), HasSubstr("$^{a}$: of 100 images."));
}

TEST(PaperTable, KeepsWideAndLongOnesOnThePage) {
  const RunWithOutcomes made = large_run();
  const std::string text = paper_table(table_of(made));
  // Every row has as many cells as its tabular has columns.
  static const std::regex tabular(
      R"(\\begin\{tabular\}\{@\{\}(.*)@\{\}\}\n([\s\S]*?)\\end\{tabular\})");
  std::map<std::string, size_t> rows;
  for (std::sregex_iterator each(text.begin(), text.end(), tabular), end; each != end; ++each) {
    const std::string form =
        std::regex_replace((*each)[1].str(), std::regex(R"(@\{[^}]*\}\})"), "");
    EXPECT_LE(form.size(), 16u) << form;
    std::istringstream lines((*each)[2]);
    for (std::string line; std::getline(lines, line);) {
      if (!line.ends_with(" \\\\")) continue;
      const std::string plain = std::regex_replace(line, std::regex(R"(\\&)"), "");
      EXPECT_EQ(size_t(std::count(plain.begin(), plain.end(), '&')) + 1, form.size()) << line;
      ++rows[line.substr(0, line.find(" & "))];
    }
  }
  EXPECT_EQ(rows.size(), 41u) << "40 defenses and the head";
  EXPECT_THAT(text, HasSubstr("Names in full"));
}

TEST(PaperTable, ToldOfBaselines) {
  const results::Store::Run run = compared_run();
  const reports::Summary summary(run);
  const reports::paper::PaperTable table = reports::paper::differences_table(summary, kThreat);
  EXPECT_THAT(table.columns, ElementsAre("clean", "pgd", "epgd", "nattack"));
  ASSERT_EQ(table.rows.size(), 2u);
  EXPECT_EQ(table.rows[1].name, "vs. at");
  EXPECT_THAT(table.rows[0].cells, ElementsAre("\\textbf{\\boldmath $-$3.1}",
                                               "\\textbf{\\boldmath +5.2}", "$\\pm$0.0", "--"));
  EXPECT_THAT(table.rows[1].cells[1], HasSubstr("[+3.2, +7.2]"));
}

TEST(PaperTable, ToldOfCertificates) {
  const results::Store::Run run = certified_run();
  const reports::paper::PaperTable table = reports::paper::certified_table(reports::Summary(run));
  EXPECT_EQ(table.columns.front(), "r = 0");
  EXPECT_EQ(row(table, "smoothed").front(), "70.0\\rlap{$^\\dagger$}");
  EXPECT_EQ(row(table, "smoothed").back(), "20.0");
  for (const std::string& cell : row(table, "broken")) EXPECT_EQ(cell, "err.");
}

TEST(PaperFigures, DrawEveryCurve) {
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("gauntlet-figures-" + std::to_string(getpid()));
  write_synthetic_store({numbered("row", 4), numbered("column", 3), {0.05, 0.1, 0.2}}, folder);
  const results::Store::Run run = analysis::latest_run(results::Store(folder));
  std::filesystem::remove_all(folder);
  const reports::Summary summary(run);
  const std::vector<reports::paper::PaperFile> files = reports::paper::paper_figures(summary);
  size_t number = 0;
  for (const reports::CurveChart& chart : curves_of(summary))
    for (const reports::CurveView& view : chart.views) {
      ASSERT_LT(number, files.size());
      const std::string& text = files[number++].text;
      for (const reports::CurveLine& line : view.lines) {
        EXPECT_THAT(text,
                    HasSubstr(view.lines.size() == 1 ? reports::latex_breakable(line.name)
                                                     : "{" + reports::latex(line.name) + "}"));
        for (const reports::CurvePoint& point : line.points)
          EXPECT_THAT(text,
                      HasSubstr(fmt::format(" ({:.6g},{:.4g}) +=", point.x, 100 * point.accuracy)));
      }
    }
  EXPECT_GT(number, 10u);
  EXPECT_EQ(number, files.size());
  EXPECT_EQ(files.front().name, "figure-epsilon-linf-worst-case.tex");
}

TEST(Paper, ReadsEveryFileOnce) {
  results::Store::Run run = certified_run();
  for (results::CellRecord& cell : run.cells)
    cell.threat.name = cell.threat.epsilon == 0.5 ? "a/b" : "a b";
  for (results::WorstCase& worst : run.worst_cases)
    worst.threat.name = worst.threat.epsilon == 0.5 ? "a/b" : "a b";
  run.settings = R"({"citations": [{"of": "x", "bibtex": "@misc{key, title = {T}}"}]})";
  const std::vector<reports::paper::PaperFile> files =
      reports::paper::paper_of(without_outcomes(run));
  std::set<std::string> names;
  const std::string& paper = files.back().text;
  for (const reports::paper::PaperFile& file : files) {
    EXPECT_TRUE(names.insert(file.name).second) << file.name;
    if (file.name == "paper.tex" || file.name == "references.bib") continue;
    EXPECT_TRUE(file.text.starts_with(reports::paper::kPaperMark)) << file.name;
    EXPECT_THAT(paper, HasSubstr("\\input{" + file.name.substr(0, file.name.size() - 4) + "}"));
  }
  EXPECT_TRUE(names.count("table-a-b.tex") && names.count("table-a-b-2.tex"));
  EXPECT_THAT(paper, HasSubstr("\\bibliography{references}"));
  EXPECT_THAT(reports::paper::paper_of(without_outcomes(synthetic_run())).back().text,
              Not(HasSubstr("\\bibliography")))
      << "there is none";
}

TEST(Paper, LeavesWhatTheAuthorPutBesideIt) {
  const testing::TemporaryFolder owned;
  const fs::path folder = owned;
  fs::create_directories(folder / "paper");
  std::ofstream(folder / "paper/table-mine.tex") << "my own\n";
  std::ofstream(folder / "paper/table-old.tex") << reports::paper::kPaperMark << "Needs nothing.\n";
  reports::files::write_reports(without_outcomes(synthetic_run()), folder);
  EXPECT_TRUE(fs::exists(folder / "paper/paper.tex"));
  EXPECT_TRUE(fs::exists(folder / "paper/table-mine.tex"));
  EXPECT_FALSE(fs::exists(folder / "paper/table-old.tex"));
}

TEST(Citations, AreReadOnceEach) {
  results::Store::Run run;
  run.settings = R"({"citations": [
    {"of": "attack/pgd", "bibtex": "@inproceedings{madry2018, title = {A {B} \\}}}\n@misc{x, year = 1}"},
    {"of": "defense/at", "bibtex": "@inproceedings{madry2018,title={A {B} \\}}}"},
    {"of": "model mine", "bibtex": "@misc{x, year = 2}"}]})";
  const std::vector<reports::Citation> list = reports::citations_of(run);
  ASSERT_EQ(list.size(), 3u);
  EXPECT_EQ(list[0].key, "madry2018");
  EXPECT_EQ(list[0].bibtex, "@inproceedings{madry2018, title = {A {B} \\}}}");
  EXPECT_EQ(list[1].key, "x");
  EXPECT_EQ(list[2].key, "x-2") << "another work under the same key";
  EXPECT_EQ(list[2].bibtex, "@misc{x-2, year = 2}");
}

TEST(Citations, MakeNotesOfOtherText) {
  results::Store::Run run;
  run.settings = R"({"citations": [{"of": "model a/b", "bibtex": "The A & B group, 100 % of it"},
    {"of": "c", "bibtex": "@misc{never closed"}, {"of": "d", "bibtex": " \n"}, 3, {"of": 4}]})";
  const std::vector<reports::Citation> list = reports::citations_of(run);
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[0].key, "model-a-b");
  EXPECT_THAT(list[0].bibtex, HasSubstr("note  = {The A \\& B group{,} 100 \\% of it}"));
  EXPECT_THAT(list[1].bibtex, HasSubstr("note  = {@misc\\{never closed}"));
}

TEST(Citations, AreNoneInOldStores) {
  EXPECT_TRUE(reports::citations_of(synthetic_run()).empty());
  EXPECT_TRUE(reports::citations_of(results::Store::Run{}).empty());
}

}  // namespace
}  // namespace gauntlet
