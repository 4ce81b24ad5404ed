#include "reports/text/free_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "csv_table.h"
#include "reports/files/csv.h"
#include "reports/files/json.h"
#include "reports/files/validate.h"
#include "reports/page/comparison.h"
#include "reports/page/pages.h"
#include "reports/paper/paper.h"
#include "reports/text/latex.h"
#include "synthetic_run.h"

namespace gauntlet {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(Visible, ShowsHiddenCharactersByTheirCode) {
  EXPECT_EQ(reports::visible("at, σ ≤ 0.1"), "at, σ ≤ 0.1");
  EXPECT_EQ(reports::visible("a\nb\tc\r\nd"), "a\nb\tc\nd");
  EXPECT_EQ(reports::visible("\x1b[31mred"), "[U+001B][31mred");
  EXPECT_EQ(reports::visible("a\u202egpd"), "a[U+202E]gpd");
  EXPECT_EQ(reports::visible("a\u2066b\u061cc\u200bd\ufeff"),
            "a[U+2066]b[U+061C]c[U+200B]d[U+FEFF]");
  EXPECT_EQ(reports::visible("\u009b31m"), "[U+009B]31m")
      << "the other way to begin a terminal's command";
  EXPECT_EQ(reports::visible("a\rb\x7f"), "a[U+000D]b[U+007F]");
  EXPECT_EQ(reports::visible("\U000e0041"), "[U+E0041]");
  EXPECT_EQ(reports::visible("a\xff\xc3"), "a\ufffd\ufffd");
  EXPECT_EQ(reports::visible("👩\u200d🔬\ufe0f"), "👩\u200d🔬\ufe0f") << "emoji are joined by it";
}

TEST(Shortened, SaysWhatIsLeftOutAndKeepsTextsApart) {
  EXPECT_EQ(reports::shortened("abc", 3), "abc");
  const std::string a = reports::shortened(std::string(5000, 'x'), 10),
                    b = reports::shortened(std::string(4999, 'x') + "y", 10);
  EXPECT_TRUE(a.starts_with("xxxxxxxxxx… (4,990 bytes left out, SHA-256 ")) << a;
  EXPECT_NE(a, b);
  EXPECT_TRUE(reports::shortened("aaaä" + std::string(9, 'b'), 4).starts_with("aaa…"));
}

TEST(WebAddress, IsOfTheWebAlone) {
  for (const char* link : {"https://example.org/a?b=c&d", "http://example.org", "HTTPS://A.B/"})
    EXPECT_EQ(reports::web_address(link), link);
  for (const char* link :
       {"javascript:alert(1)", "JaVaScRiPt:alert(1)", " javascript:alert(1)",
        "java\tscript:alert(1)", "&#106;avascript:alert(1)", "data:text/html,x", "vbscript:x",
        "javascript://example.org/%0aalert(1)", "//example.org", "https:", "https://", "",
        "https://a b", "https://a\u202eb", "https://a\"onclick=x", "ftp://example.org", "file:///"})
    EXPECT_EQ(reports::web_address(link), "") << link;
}

/// A run in which every text is this.
results::Store::Run run_of(const std::string& text) {
  results::Store::Run run = synthetic_run();
  for (results::CellRecord& cell : run.cells) {
    cell.suite = cell.dataset = text;
    cell.defense += text, cell.attack += text, cell.threat.name += text;
    cell.reason += cell.reason.empty() ? "" : text;
    cell.flags = {results::remark(text)};
    cell.parameters =
        nlohmann::json({{"attack", {{"params", {{text, text}}}}}}).dump(-1, ' ', false);
    cell.environment = nlohmann::json({{"device", text}}).dump(-1, ' ', false);
  }
  for (results::WorstCase& worst : run.worst_cases)
    worst.defense += text, worst.threat.name += text;
  run.suite = text;
  run.settings = nlohmann::json({{"name", text}}).dump(-1, ' ', false);
  results::Difference one;
  one.defense = one.baseline = one.attack = one.threat.name = one.threat.norm = text;
  run.differences = {one};
  results::Certification certified = synthetic_certification(text, 0.1);
  certified.flags = {results::remark(text)};
  run.certifications = {certified};
  return run;
}

std::vector<std::pair<std::string, std::string>> formats_of(const results::Store::Run& run) {
  std::vector<std::pair<std::string, std::string>> out = {
      {"json", reports::files::report_json(run)},
      {"csv", reports::files::report_csv(run)},
      {"differences", reports::files::differences_csv(run)},
      {"certified", reports::files::certified_csv(run)},
      {"md", reports::page::report_markdown(run)},
      {"html", reports::page::report_html(without_outcomes(run))}};
  for (const reports::paper::PaperFile& file : reports::paper::paper_of(without_outcomes(run)))
    out.emplace_back(file.name, file.text);
  return out;
}

TEST(Reports, HoldNoHiddenCharacter) {
  const std::string text = "x\x1b[31m\u202ey\u2066\u200b\u009b\x07";
  for (const auto& [format, report] : formats_of(run_of(text))) {
    EXPECT_EQ(report.find('\x1b'), std::string::npos) << format;
    EXPECT_EQ(report.find('\x07'), std::string::npos) << format;
    for (const char* hidden : {"\u202e", "\u2066", "\u200b", "\u009b"})
      EXPECT_EQ(report.find(hidden), std::string::npos) << format;
  }
  const auto report = nlohmann::json::parse(reports::files::report_json(run_of(text)));
  EXPECT_EQ(report["suite"], text) << "escaped, and the same when it is read";
}

TEST(Reports, BoundWhatAPluginSays) {
  results::Store::Run run = synthetic_run();
  const std::string huge(2 << 20, 'x');
  run.cells[3].reason = huge;
  run.cells[4].flags = {results::remark(huge), {"unheard_of", {{huge, huge}}, huge}};
  run.cells[5].attack = run.cells[6].defense = huge;
  run.cells[0].parameters = nlohmann::json({{"attack", {{"params", {{"a", huge}}}}}}).dump();
  run.cells[2].parameters = nlohmann::json({{"attack", std::string(2 << 20, '"')}}).dump();
  run.cells[1].environment = nlohmann::json({{huge, huge}}).dump();
  run.settings = nlohmann::json({{"name", huge}}).dump();
  size_t most = 0;
  for (const auto& [format, text] : formats_of(run)) most = std::max(most, text.size());
  EXPECT_LT(most, 1u << 20);
  const auto report = nlohmann::json::parse(reports::files::report_json(run));
  const std::string reason = report["cells"][3]["reason"];
  EXPECT_LT(reason.size(), reports::kLongestText + 100);
  EXPECT_THAT(reason, HasSubstr("… (2,095,152 bytes left out, SHA-256 "));
  EXPECT_TRUE(reports::files::validate_report(report.dump()).empty());
  EXPECT_THAT(reports::page::report_html(without_outcomes(run)),
              HasSubstr("2,095,152 bytes left out"));
  EXPECT_THAT(reports::page::report_markdown(run), HasSubstr("2,095,152 bytes left out"));
}

TEST(Reports, KeepNamesApartThatBeginAlike) {
  results::Store::Run run = empty_run();
  const std::string same(5000, 'x');
  run.cells = {synthetic_cell(same + "1", "pgd", 0.25), synthetic_cell(same + "2", "pgd", 0.75)};
  const auto report = nlohmann::json::parse(reports::files::report_json(run));
  EXPECT_NE(report["cells"][0]["defense"], report["cells"][1]["defense"]);
  EXPECT_THAT(reports::page::report_markdown(run),
              AllOf(HasSubstr("| 25.0 ("), HasSubstr("| 75.0 (")));
}

TEST(Reports, TellHowManyFindingsAreLeftOut) {
  results::Store::Run run = synthetic_run();
  run.cells[0].flags.clear();
  for (int i = 0; i < 1000; ++i)
    run.cells[0].flags.push_back(results::remark("finding " + std::to_string(i)));
  const auto report = nlohmann::json::parse(reports::files::report_json(run));
  EXPECT_EQ(report["cells"][0]["flags"].size(), reports::kMostFindings + 1);
  EXPECT_EQ(report["cells"][0]["flags"].back(), "and 950 more findings");
}

TEST(ReportCsv, HoldsNoFormula) {
  results::Store::Run run = synthetic_run();
  const std::pair<std::string, std::string> texts[] = {
      {"=HYPERLINK(\"http://x\")", "'=HYPERLINK(\"http://x\")"},
      {"+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"},
      {"-2+3", "'-2+3"},
      {"@SUM(1)", "'@SUM(1)"},
      {"\t=1", "'\t=1"},
      {"\r=1", "[U+000D]=1"},
      {"\n=1", "'\n=1"},
      {"＝1", "'＝1"},
      {"-5", "-5"},
      {"+1e-3", "+1e-3"},
      {"at=1", "at=1"}};
  for (const auto& [raw, safe] : texts) {
    for (results::CellRecord& cell : run.cells)
      cell.defense = cell.attack = raw, cell.flags = {results::remark(raw)};
    run.differences = compared_run().differences;
    for (results::Difference& one : run.differences) one.baseline = raw;
    run.certifications = {synthetic_certification(raw, 0.1)};
    auto rows = csv_table(reports::files::report_csv(run));
    EXPECT_EQ(rows[0]["defense"], safe);
    EXPECT_EQ(rows[0]["flags"], safe);
    EXPECT_EQ(csv_table(reports::files::differences_csv(run))[0]["baseline"], safe);
    EXPECT_EQ(csv_table(reports::files::certified_csv(run))[0]["defense"], safe);
  }
  EXPECT_EQ(csv_table(reports::files::differences_csv(run))[0]["difference"], "-0.031")
      << "numbers stay numbers";
}

TEST(ReportMarkdown, MakesNoLink) {
  results::Store::Run run = synthetic_run();
  const std::pair<const char*, const char*> texts[] = {
      {"[x](javascript:alert(1))", "\\[x\\]\\(javascript\\:alert(1))"},
      {"<JavaScript:alert(1)>", "&lt;JavaScript\\:alert(1)\\>"},
      {"[x]: data:text/html,y", "\\[x\\]: data\\:text/html,y"},
      {"[x](java&#115;cript:a)", "\\[x\\]\\(java&amp;\\#115;cript:a)"},
      {"R&D &lt;b&gt; a&b;", "R&D &amp;lt;b&amp;gt; a&amp;b;"},
      {"$x$ cuda:0", "\\$x\\$ cuda:0"}};
  for (const auto& [raw, safe] : texts) {
    for (results::CellRecord& cell : run.cells) cell.defense = raw;
    run.worst_cases.clear();
    const std::string text = reports::page::report_markdown(run);
    EXPECT_THAT(text, HasSubstr(safe));
    EXPECT_THAT(text, Not(HasSubstr("javascript:")));
  }
}

TEST(Comparison, ShowsHiddenCharactersByTheirCode) {
  analysis::Comparison comparison;
  analysis::ComparedCell cell;
  cell.defense = "a\u202eb", cell.attack = "\x1b[2J",
  cell.problem = "x\x07" + std::string(9000, 'y');
  comparison.cells = {cell};
  const results::Store::Run run = synthetic_run();
  const reports::page::ComparisonPage page{comparison, run, run, "a", "b", {}};
  for (const std::string& text :
       {comparison_text(page, true), comparison_markdown(page), comparison_html(page)}) {
    EXPECT_EQ(text.find('\x1b'), std::string::npos);
    EXPECT_EQ(text.find('\x07'), std::string::npos);
    EXPECT_EQ(text.find("\u202e"), std::string::npos);
    EXPECT_THAT(text, HasSubstr("bytes left out"));
  }
}

TEST(Latex, BreaksLinesAfterMarksAndInLongWordsOnly) {
  EXPECT_EQ(reports::latex_breakable("adversarial training"), "adversarial training");
  EXPECT_EQ(reports::latex_breakable("random_noise"), "random\\_\\allowbreak{}noise");
  EXPECT_EQ(reports::latex_breakable("ends_"), "ends\\_");
  EXPECT_EQ(reports::latex_breakable("8/255 and 0.1"), "8/255 and 0.1");
  EXPECT_EQ(reports::latex_breakable("a/b c"), "a/\\allowbreak{}b c");
  const std::string word(30, 'w');
  std::string broken;
  for (int i = 0; i < 30; ++i) broken += i < 29 ? "w\\allowbreak{}" : "w";
  EXPECT_EQ(reports::latex_breakable("a " + word + " b"), "a " + broken + " b");
}

}  // namespace
}  // namespace gauntlet
