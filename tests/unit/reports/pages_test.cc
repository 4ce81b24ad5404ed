#include "reports/page/pages.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "base/bad_input.h"
#include "page.h"
#include "reports/files/csv.h"
#include "reports/files/json.h"
#include "reports/files/write_reports.h"
#include "synthetic_run.h"

namespace gauntlet {
namespace {

namespace fs = std::filesystem;

bool has_digit(const std::string& text) {
  return text.find_first_of("0123456789") != std::string::npos;
}

TEST(ReportHtml, LoadsNothing) {
  const std::string html = reports::page::report_html(without_outcomes(synthetic_run()));
  EXPECT_EQ(html.find("url("), std::string::npos);
  EXPECT_EQ(html.find("@import"), std::string::npos);
  EXPECT_NE(html.find("default-src 'none'"), std::string::npos) << "what a browser then refuses";
  const Page page(html);
  for (const Tag& tag : page.tags()) {
    for (const char* name : {"src", "srcset", "action", "data", "background", "poster"})
      EXPECT_FALSE(tag.attributes.count(name)) << tag.name << " " << name;
    if (!tag.attributes.count("href")) continue;
    const std::string& link = tag.attributes.at("href");
    EXPECT_TRUE(link.starts_with("#") || link == "data:,") << link;
  }
}

TEST(ReportHtml, LinksLeadSomewhere) {
  const Page page(reports::page::report_html(without_outcomes(synthetic_run())));
  std::set<std::string> places;
  for (const Tag& tag : page.tags()) {
    if (!tag.attributes.count("id")) continue;
    EXPECT_TRUE(places.insert("#" + tag.attributes.at("id")).second) << tag.attributes.at("id");
  }
  for (const Tag& tag : page.tags()) {
    if (tag.name != "a") continue;
    EXPECT_TRUE(places.count(tag.attributes.at("href"))) << tag.attributes.at("href");
  }
}

TEST(ReportHtml, KeepsEvilNamesInert) {
  const std::string evil[] = {"<script>alert(1)</script>",
                              "\"><img src=x onerror=alert(1)>",
                              "' onmouseover='alert(1)",
                              "</style></script><b>",
                              "{{suite}}",
                              "{{{script}}}",
                              "&lt;script&gt;",
                              "-->"};
  const Page plain(reports::page::report_html(without_outcomes(synthetic_run())));
  std::set<std::string> tags, attributes;
  for (const Tag& tag : plain.tags()) {
    tags.insert(tag.name);
    for (const auto& [name, value] : tag.attributes) attributes.insert(name);
  }
  for (const std::string& name : evil) {
    results::Store::Run run = synthetic_run();
    run.suite = name;
    run.settings = nlohmann::json({{"name", name}}).dump();
    for (results::CellRecord& cell : run.cells) {
      cell.defense = cell.attack = cell.threat.name = cell.dataset = name;
      cell.reason = cell.reason.empty() ? "" : name;
      cell.flags = {results::remark(name)};
      cell.parameters = nlohmann::json({{"attack", {{name, name}}}, {name, name}}).dump();
      cell.environment = nlohmann::json({{name, name}}).dump();
    }
    run.worst_cases[0].missing = {name};
    const std::string html = reports::page::report_html(without_outcomes(run));
    const Page page(html);
    for (const Tag& tag : page.tags()) {
      EXPECT_TRUE(tags.count(tag.name)) << name << " made <" << tag.name << ">";
      for (const auto& [attribute, value] : tag.attributes)
        EXPECT_TRUE(attributes.count(attribute)) << name << " made " << attribute << "=";
    }
    EXPECT_EQ(count(html, "<script"), 3) << "numbers of charts, of overlaps, and ours" << name;
    EXPECT_EQ(count(html, "</script"), 3) << name;
    EXPECT_EQ(count(html, "<style"), 1) << name;
  }
}

TEST(ReportHtml, ShowsNoNumberWhereThereIsNone) {
  const Page page(reports::page::report_html(without_outcomes(synthetic_run())));
  size_t failed = 0;
  for (const char* state : {"invalid", "error", "skipped"})
    for (const Tag& cell : page.of_class("td", state)) {
      ++failed;
      EXPECT_FALSE(has_digit(cell.text)) << cell.text;
      EXPECT_EQ(cell.attributes.at("data-value"), "");
    }
  EXPECT_EQ(failed, 3);
}

TEST(ReportHtml, ShowsTheNumbers) {
  const Page page(reports::page::report_html(without_outcomes(synthetic_run())));
  std::vector<std::string> values;
  for (const Tag& cell : page.of_class("td", "ok"))
    if (cell.attributes.at("class") == "ok") values.push_back(cell.attributes.at("data-value"));
  EXPECT_EQ(values, (std::vector<std::string>{"0.125", "0", "0.4375", "0.75", "0.71", "0.8"}));
  const auto worst = page.of_class("td", "worst");
  ASSERT_EQ(worst.size(), 3);
  EXPECT_NE(worst[0].text.find("≤ 0.0"), std::string::npos) << worst[0].text;
  EXPECT_NE(worst[2].text.find("70.0"), std::string::npos) << worst[2].text;
  EXPECT_EQ(worst[2].text.find("≤"), std::string::npos) << worst[2].text;
}

TEST(ReportHtml, KeepsTheSuitesOrder) {
  const Page page(reports::page::report_html(without_outcomes(synthetic_run())));
  std::vector<std::string> names;
  for (const Tag& head : page.of_class("th", "name")) names.push_back(head.text);
  EXPECT_EQ(names, (std::vector<std::string>{"Defense", "undefended", "smoothing, &quot;soft&quot;",
                                             "at"}));
}

TEST(ReportHtml, HasNoMeanOverSeedsOfWhichOneFailed) {
  const Page page(reports::page::report_html(without_outcomes(run_of_seeds())));
  const auto ok = page.of_class("td", "ok");  // clean, pgd, worst
  ASSERT_EQ(ok.size(), 3);
  EXPECT_EQ(ok[1].text, "51.0± 1.0");
  const auto failed = page.of_class("td", "error");
  ASSERT_EQ(failed.size(), 1);
  EXPECT_EQ(failed[0].text, "error1 of 3 seeds");
}

TEST(ReportHtml, ShowsARunWithoutCells) {
  results::Store::Run run = empty_run();
  run.complete = false;
  const std::string html = reports::page::report_html(without_outcomes(run));
  EXPECT_NO_THROW(Page{html});
  EXPECT_NE(html.find("No cell was reached"), std::string::npos);
  EXPECT_NE(html.find("incomplete: not every cell was reached"), std::string::npos);
}

TEST(ReportHtml, DrawsCertifiedAccuracyBesideAttacks) {
  const std::string html = reports::page::report_html(without_outcomes(certified_run()));
  const Page page(html);
  size_t plots = 0;
  for (const Tag& tag : page.tags()) plots += tag.name == "svg";
  EXPECT_EQ(plots, 2);  // with the training log
  for (const char* text :
       {"<title>certified</title>", "<title>under L2 attacks</title>", "at least 99.9 %",
        "changed the answer of 1 of 10 images", "broken, certified"})
    EXPECT_NE(html.find(text), std::string::npos) << text;
  EXPECT_EQ(html.find("0.987"), std::string::npos) << "a radius of what failed";
  EXPECT_EQ(reports::page::report_html(without_outcomes(synthetic_run())).find("Certified"),
            std::string::npos);
}

TEST(ReportHtml, KeepsEvilNamesOfCertifiedRowsInert) {
  const std::string name = "\"><script>alert(1)</script>{{suite}}";
  results::Store::Run run = certified_run();
  for (results::Certification& record : run.certifications) record.defense = name + record.defense;
  run.certifications[0].flags = {results::remark(name)};
  run.certifications[2].reason = name;
  const std::string html = reports::page::report_html(without_outcomes(run));
  EXPECT_NO_THROW(Page{html});
  EXPECT_EQ(count(html, "<script"), 3) << "numbers of charts, of overlaps, and ours";
}

TEST(ReportMarkdown, HasARowOfCertificatesAndOneOfAttacks) {
  const std::string text = reports::page::report_markdown(certified_run());
  for (const char* line :
       {"| Defense | L2 radius | 0 | 0.2 | 0.25 | 0.4 | 0.5 | 0.6 | Abstained | Average radius |",
        "| smoothed ⚑ | certified | 70.0 | 50.0 | 50.0 | 30.0 | 20.0 | 10.0 | 20.0 | 0.28 | 10 | "
        "1,100 | 1.5 s |",
        "| smoothed | under attack | 87.5 | — | 80.0 | — | 60.0 | — | — | — | 1,000 | — | — |",
        "| broken | certified | — | — | — | — | — | — | — | — | 10 | — | — |",
        "| broken, certified | error |"})
    EXPECT_NE(text.find(line), std::string::npos) << line << "\n" << text;
}

TEST(ReportMarkdown, SumsUpCertificatesOverSeeds) {
  results::Store::Run run = empty_run();
  for (int64_t seed = 0; seed < 2; ++seed)
    run.certifications.push_back(synthetic_certification("smoothed", 0.1, seed));
  for (results::CertifiedSample& c : run.certifications[1].certificates) c.radius /= 2;
  const std::string text = reports::page::report_markdown(run);
  EXPECT_NE(text.find("| smoothed | certified | 70.0 ± 0.0 | 40.0 ± 14.1 |"), std::string::npos)
      << text;
  run.certifications[1].status = results::Status::kError;
  EXPECT_NE(reports::page::report_markdown(run).find("| smoothed | certified | — |"),
            std::string::npos);
}

TEST(ReportMarkdown, ComparesRowsWithTheirBaseline) {
  const std::string text = reports::page::report_markdown(compared_run());
  for (const char* line : {"## Against the baseline: linf, ε = 0.1",
                           "| Defense | Baseline | Clean | pgd | epgd | nattack |",
                           "| vote, \"soft\" | at | −3.1 (−5.1 to −1.1) ▼ | +5.2 (+3.2 to +7.2) ▲ "
                           "| ±0.0 (−2.0 to +2.0) | — |"})
    EXPECT_NE(text.find(line), std::string::npos) << line << "\n" << text;
  EXPECT_EQ(reports::page::report_markdown(synthetic_run()).find("baseline"), std::string::npos);
}

TEST(ReportHtml, ComparesRowsWithTheirBaseline) {
  results::Store::Run run = compared_run();
  run.differences[0].baseline = "\"><script>alert(1)</script>";
  const std::string html = reports::page::report_html(without_outcomes(run));
  EXPECT_NO_THROW(Page{html});
  EXPECT_EQ(count(html, "<script"), 3) << "numbers of charts, of overlaps, and ours";
  EXPECT_NE(html.find("<b>+5.2</b> ▲"), std::string::npos);
  EXPECT_EQ(html.find("98.7"), std::string::npos) << "a difference without a result";
}

TEST(ReportMarkdown, TellsEnvironmentsApart) {
  results::Store::Run run = empty_run();
  for (const char* device : {"cpu", "cpu", "cuda:0"}) {
    run.cells.push_back(synthetic_cell("at", device + std::to_string(run.cells.size()), 0.5));
    run.cells.back().environment = nlohmann::json({{"host", "c0de"},
                                                   {"torch", "2.11.0"},
                                                   {"device", device},
                                                   {"plugins", {{device, "ab"}}}})
                                       .dump();
  }
  const std::string text = reports::page::report_markdown(run);
  for (const char* line : {"| host | c0de |", "| torch | 2.11.0 |", "| device | cpu (2 cells) |",
                           "| device | cuda:0 (1 cell) |", "| plugins · cpu | ab |"})
    EXPECT_NE(text.find(line), std::string::npos) << line;
}

TEST(ReportMarkdown, TellsParametersOfThreatsApart) {
  results::Store::Run run = empty_run();
  for (const double epsilon : {0.1, 0.2}) {
    run.cells.push_back(synthetic_cell("at", "pgd", 0.5));
    run.cells.back().threat.epsilon = epsilon;
    run.cells.back().parameters =
        nlohmann::json(
            {{"attack", {{"params", {{"step_size", {{"value", epsilon}, {"default", 0.1}}}}}}},
             {"host", {{"restarts", 2}, {"access", nullptr}}},
             {"defense", {{"stack", {{{"use", "smoothing"}}}}}}})
            .dump();
  }
  const std::string text = reports::page::report_markdown(run);
  for (const char* line :
       {"| attack pgd (1 cell under linf, ε = 0.1) | step\\_size | 0.1 | 0.1 |",
        "| attack pgd (1 cell under linf, ε = 0.2) | step\\_size | **0.2** | 0.1 |",
        "| restarts | 2 |  |", "| defense at | stack 1 · use | smoothing |  |"})
    EXPECT_NE(text.find(line), std::string::npos) << line << "\n" << text;
  EXPECT_EQ(text.find("access"), std::string::npos);  // not given
}

TEST(ReportMarkdown, SaysWhereANumberIsOverFewerImages) {
  results::Store::Run run = synthetic_run();
  run.cells[0].samples = 20;
  const std::string text = reports::page::report_markdown(run);
  EXPECT_NE(text.find("12.5 (10.6 to 14.7) of 20 images |"), std::string::npos) << text;
  EXPECT_EQ(count(text, " of 20 images |"), 1);
}

TEST(ReportHtml, HoldsBigSuites) {
  results::Store::Run run = empty_run();
  for (int d = 0; d < 40; ++d)
    for (int a = 0; a < 30; ++a)
      run.cells.push_back(
          synthetic_cell("defense " + std::to_string(d), "attack " + std::to_string(a), 0.5));
  const std::string html = reports::page::report_html(without_outcomes(run));
  EXPECT_EQ(count(html, "<details class=\"cell\""), 1200);
  EXPECT_LT(html.size(), 5u << 20);  // a browser opens that at once
}

TEST(Reports, NeverShowTheAccuracyOfWhatFailed) {
  // Failed cells of the synthetic run carry 0.987.
  for (const auto& text : {reports::page::report_html(without_outcomes(synthetic_run())),
                           reports::page::report_markdown(synthetic_run()),
                           reports::files::report_csv(synthetic_run()),
                           reports::files::report_json(synthetic_run())}) {
    EXPECT_EQ(text.find("98.7"), std::string::npos);
    EXPECT_EQ(text.find("0.987"), std::string::npos);
  }
}

TEST(ReportMarkdown, IsTheGoldenOne) {
  const fs::path file =
      fs::path(std::getenv("GAUNTLET_SOURCE_DIR")) / "tests/unit/reports/golden/report.md";
  const std::string text = reports::page::report_markdown(synthetic_run()) +
                           reports::page::report_markdown(run_of_seeds()) +
                           reports::page::report_markdown(certified_run());
  if (std::getenv("GAUNTLET_GOLDEN_UPDATE")) std::ofstream(file) << text;
  std::ostringstream golden;
  golden << std::ifstream(file).rdbuf();
  EXPECT_EQ(text, golden.str()) << "set GAUNTLET_GOLDEN_UPDATE=1 to rewrite " << file.filename();
}

TEST(ReportMarkdown, KeepsNamesInTheirTableCell) {
  results::Store::Run run = synthetic_run();
  for (results::CellRecord& cell : run.cells) cell.defense = "a | b\n# c <b> [x](y) `z`";
  run.worst_cases.clear();
  std::istringstream lines(reports::page::report_markdown(run));
  size_t columns = 0, checked = 0;  // of the table the line is in; 0 outside
  for (std::string line; std::getline(lines, line);) {
    EXPECT_FALSE(line.starts_with("# c")) << line;
    const size_t pipes = count(line, "|") - count(line, "\\|");
    EXPECT_TRUE(columns == 0 || !line.starts_with("|") || pipes == columns) << line;
    checked += line.find("| a \\| b \\# c &lt;b\\> \\[x\\]\\(y) \\`z\\`") == 0;
    columns = line.starts_with("|") ? pipes : 0;
  }
  EXPECT_EQ(checked, 5);  // the matrix's row, three failures, one finding
}

TEST(WriteReports, WritesAllOfThemAndNothingElse) {
  const fs::path folder =
      fs::temp_directory_path() / ("gauntlet-reports-" + std::to_string(getpid()));
  fs::create_directories(folder);
  reports::files::write_reports(without_outcomes(synthetic_run()), folder);
  reports::files::write_reports(without_outcomes(synthetic_run()), folder);  // over the old ones
  std::set<std::string> files;
  for (const auto& entry : fs::directory_iterator(folder))
    files.insert(entry.path().filename().string());
  EXPECT_EQ(files, (std::set<std::string>{"paper", "report.csv", "report.html", "report.json",
                                          "report.md"}));
  std::ostringstream json;
  json << std::ifstream(folder / "report.json").rdbuf();
  EXPECT_EQ(json.str(), reports::files::report_json(synthetic_run()));
  reports::files::write_reports(without_outcomes(certified_run()), folder);
  EXPECT_TRUE(fs::exists(folder / "certified.csv"));
  EXPECT_TRUE(fs::exists(folder / "paper" / "table-certified.tex"));
  std::ofstream(folder / "paper" / "notes.tex") << "of the person who writes the paper";
  reports::files::write_reports(without_outcomes(synthetic_run()), folder);
  EXPECT_FALSE(fs::exists(folder / "certified.csv")) << "of a run these reports do not tell of";
  EXPECT_FALSE(fs::exists(folder / "paper" / "table-certified.tex"));
  EXPECT_TRUE(fs::exists(folder / "paper" / "notes.tex"));
  fs::remove_all(folder);
  EXPECT_THROW(reports::files::write_reports(without_outcomes(synthetic_run()), folder), BadInput);
}

}  // namespace
}  // namespace gauntlet
