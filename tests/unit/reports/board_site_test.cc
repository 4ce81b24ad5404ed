#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "base/bad_input.h"
#include "page.h"
#include "reports/site/site.h"
#include "tests/support/temporary_folder.h"
#include "tests/unit/boards/board_examples.h"

namespace gauntlet {
namespace {
namespace fs = std::filesystem;

reports::site::BoardDefinition definition() {
  return {{"fashion-linf", 1},
          "Fashion, Linf",
          "Some <b>rules</b>.",
          Division::kDeterministic,
          planted_sum('b'),
          "schema = 1\n",
          {"pgd"}};
}

/// Clear order, a tie, an overturned entry, an entry with a finding, one that is not ranked.
std::vector<boards::BoardEntry> examples() {
  BoardExamples make(200);
  std::vector<boards::BoardEntry> entries = {
      make.entry("strong", 0.9, 0.7), make.entry("weak", 0.9, 0.1),
      make.entry("as strong", 0.9, 0.7), make.entry("fallen", 0.9, 0.8),
      make.entry("failed", 0.9, 0.9)};
  make.overturn(entries[3], "square", 0.4);
  entries[1].findings = {"a finding"};
  results::CellRecord& record = entries[4].threats[0].attacks[1].cells[0].record;
  record.outcomes.clear();
  record.status = results::Status::kInvalid, record.reason = "3 rows left the ball";
  record.robust_accuracy = 0.987;  // no page may show it
  claim(entries[4]);
  return entries;
}

std::map<std::string, std::string> pages_of(const reports::site::Site& site) {
  std::map<std::string, std::string> out;
  for (const reports::site::Site::Page& page : site.pages) out[page.path] = page.html;
  return out;
}

std::string board_page(const std::vector<boards::BoardEntry>& entries) {
  return pages_of(reports::site::board_site({definition()}, entries)).at("fashion-linf@1.html");
}

std::vector<std::string> texts_of(const std::vector<Tag>& tags) {
  std::vector<std::string> out;
  for (const Tag& tag : tags) out.push_back(tag.text);
  return out;
}

TEST(BoardSite, HasAPageForIndexBoardsAndEntries) {
  const reports::site::Site site = reports::site::board_site({definition()}, examples());
  EXPECT_EQ(site.boards, 1);
  EXPECT_EQ(site.entries, 5);
  std::set<std::string> paths;
  for (const auto& [path, html] : pages_of(site)) paths.insert(path);
  EXPECT_EQ(paths,
            (std::set<std::string>{"index.html", "fashion-linf@1.html",
                                   "fashion-linf@1/strong.html", "fashion-linf@1/weak.html",
                                   "fashion-linf@1/fallen.html", "fashion-linf@1/failed.html",
                                   "fashion-linf@1/" + boards::entry_id("as strong") + ".html"}));
}

TEST(BoardSite, LoadsNothingAndItsLinksLeadSomewhere) {
  const auto pages = pages_of(reports::site::board_site({definition()}, examples()));
  for (const auto& [path, html] : pages) {
    const Page page(html);
    std::set<std::string> ids;
    for (const Tag& tag : page.tags()) {
      if (!tag.attributes.count("id")) continue;
      EXPECT_TRUE(ids.insert(tag.attributes.at("id")).second) << tag.attributes.at("id");
    }
    EXPECT_NE(html.find("default-src 'none'"), std::string::npos);
    for (const Tag& tag : page.tags()) {
      for (const char* name : {"src", "srcset", "action", "data"})
        EXPECT_FALSE(tag.attributes.count(name)) << tag.name;
      if (tag.name != "a") continue;
      const std::string link = tag.attributes.at("href");
      const bool leads =
          link.starts_with("#")
              ? ids.count(link.substr(1))
              : pages.count((fs::path(path).parent_path() / link).lexically_normal());
      EXPECT_TRUE(leads) << path << ": " << link;
    }
  }
}

TEST(BoardSite, OlderVersionsSayWhichIsNewest) {
  reports::site::BoardDefinition second = definition(), third = definition();
  second.name.version = 2, third.name.version = 10;
  const auto pages = pages_of(reports::site::board_site({third, definition(), second}, examples()));
  for (const char* older : {"fashion-linf@1.html", "fashion-linf@2.html"})
    EXPECT_EQ(count(pages.at(older), "superseded by fashion-linf@10"), 1u) << older;
  EXPECT_EQ(count(pages.at("fashion-linf@10.html"), "superseded"), 0u);
  const std::string& index = pages.at("index.html");
  EXPECT_EQ(count(index, "superseded by fashion-linf@10"), 2u);
  EXPECT_LT(index.find("id=\"fashion-linf@10\""), index.find("id=\"fashion-linf@1\""));
}

TEST(BoardPage, ListsByRankAndTheUnrankedLast) {
  const Page page(board_page(examples()));
  std::vector<std::string> ranks, names;
  for (const std::string& text : texts_of(page.of_class("td", "rank"))) ranks.push_back(text);
  EXPECT_EQ(ranks.size(), 5u);
  EXPECT_EQ(ranks[0], "11 to 2");
  EXPECT_EQ(ranks[1], "11 to 2");
  EXPECT_EQ(ranks[2], "3");
  EXPECT_EQ(ranks[3], "4");
  EXPECT_EQ(ranks[4], "—");
  for (const std::string& text : texts_of(page.of_class("th", "name"))) names.push_back(text);
  EXPECT_NE(names.at(3).find("fallen"), std::string::npos);
  EXPECT_NE(names.at(3).find("by square"), std::string::npos);
  EXPECT_NE(names.at(5).find("failed"), std::string::npos);
  EXPECT_NE(names.at(5).find("no result of pgd (invalid)"), std::string::npos);
}

TEST(BoardPage, SaysBesideTheNumberThatTheAuditFailsIt) {
  std::vector<boards::BoardEntry> entries = {queried_entry("masked", 40),
                                             queried_entry("sound", 95)};
  for (boards::BoardEntry& entry : entries) claim(entry);
  const auto pages = pages_of(reports::site::board_site({definition()}, entries));
  const Page board(pages.at("fashion-linf@1.html")), entry(pages.at("fashion-linf@1/masked.html"));
  ASSERT_EQ(board.of_class("small", "failed").size(), 1u) << "of two entries";
  EXPECT_EQ(board.of_class("small", "failed")[0].text, "FAIL");
  ASSERT_EQ(entry.of_class("a", "failed").size(), 1u);
  EXPECT_NE(pages.at("fashion-linf@1/masked.html").find("FAIL black_box"), std::string::npos);
  EXPECT_EQ(pages.at("fashion-linf@1/sound.html").find("FAIL black_box"), std::string::npos);
}

TEST(BoardPage, ShowsNoNumberOfWhatFailed) {
  for (const auto& [path, html] : pages_of(reports::site::board_site({definition()}, examples()))) {
    EXPECT_EQ(html.find("98.7"), std::string::npos) << path;
    EXPECT_EQ(html.find("0.987"), std::string::npos) << path;
  }
}

TEST(BoardPage, SaysThatItsDefinitionIsAbsent) {
  const std::vector<boards::BoardEntry> entries = examples();
  const std::string with = board_page(entries);
  const std::string without =
      pages_of(reports::site::board_site({}, entries)).at("fashion-linf@1.html");
  EXPECT_EQ(count(with, "id=\"no-definition\""), 0u);
  EXPECT_EQ(count(without, "id=\"no-definition\""), 1u);
  EXPECT_NE(with.find("Some &lt;b&gt;rules&lt;/b&gt;."), std::string::npos);
}

TEST(BoardPage, OfNoEntryAndOfFailuresOnlyIsWhole) {
  const Page none(board_page({}));
  EXPECT_TRUE(none.of_class("table", "ranking").empty());
  const Page failures(board_page({examples()[4]}));
  EXPECT_EQ(failures.of_class("table", "ranking").size(), 1u);
  EXPECT_TRUE(failures.of_class("td", "score").at(0).text == "—");
  EXPECT_TRUE(failures.of_class("figure", "chart").empty());
  EXPECT_NO_THROW(Page(pages_of(reports::site::board_site({}, {})).at("index.html")));
}

TEST(BoardPage, DrawsTheNumbersOfItsTable) {
  const std::string html = board_page(examples());
  const std::string mark = "<script type=\"application/json\" id=\"charts\">";
  const size_t from = html.find(mark) + mark.size();
  const auto charts = nlohmann::json::parse(html.substr(from, html.find("</script>", from) - from));
  EXPECT_EQ(charts.size(), Page(html).of_class("figure", "chart").size());
  size_t points = 0;
  for (const auto& line : charts.at(0).at("views").at(0).at("lines"))
    points += line.at("points").size();
  EXPECT_EQ(points, 4u);
}

TEST(BoardPage, TellsPairsApart) {
  const Page page(board_page(examples()));
  EXPECT_EQ(page.of_class("td", "self").size(), 4u);
  EXPECT_EQ(page.of_class("td", "even").size(), 2u);
  EXPECT_EQ(page.of_class("td", "higher").size(), 5u);
  EXPECT_EQ(page.of_class("td", "lower").size(), 5u);
}

TEST(BoardPage, OfAHundredEntriesIsWhole) {
  BoardExamples make(100);
  std::vector<boards::BoardEntry> entries;
  for (int i = 0; i < 100; ++i)
    entries.push_back(make.entry("entry " + std::to_string(i), 0.9, 0.005 * i));
  const Page page(board_page(entries));
  EXPECT_EQ(page.of_class("td", "score").size(), 100u);
}

TEST(EntryPage, SaysWhoDecidedAndHowToRunItAgain) {
  std::vector<boards::BoardEntry> entries = examples();
  entries[3].parameters =
      R"({"model":"m","stack":[{"use":"smoothing","params":{"sigma":{"value":0.1,"default":0.2},)"
      R"("vote":{"value":"soft","default":"soft"},"inner":{"value":null},)"
      R"("fit_attack":{"value":{"use":"pgd","steps":7},"default":{"use":"pgd","steps":10}}}}]})";
  entries[3].about.link = "javascript:alert(1)";
  const auto pages = pages_of(reports::site::board_site({definition()}, entries));
  const std::string html = pages.at("fashion-linf@1/fallen.html");
  EXPECT_NE(html.find("square, from outside, lowers it from"), std::string::npos);
  EXPECT_NE(html.find("stack = [{ use = &quot;smoothing&quot;, sigma = 0.1, fit_attack = { use = "
                      "&quot;pgd&quot;, "
                      "steps = 7 } }]"),
            std::string::npos);
  EXPECT_NE(html.find("board = &quot;fashion-linf@1&quot;"), std::string::npos);
  EXPECT_EQ(html.find("href=\"javascript:"), std::string::npos);
  const Page page(html);
  EXPECT_EQ(page.of_class("table", "attacks").size(), 1u);
  EXPECT_EQ(page.of_class("table", "heat").size(), 1u);
  EXPECT_NE(pages.at("fashion-linf@1/weak.html").find("a finding"), std::string::npos);
  EXPECT_NE(pages.at("fashion-linf@1/failed.html").find("3 rows left the ball"), std::string::npos);
}

TEST(EntryPage, OfACertifiedEntryHasItsRadii) {
  BoardExamples make(200);
  boards::BoardEntry entry = make.entry("certified", 0.9, 0.5, 4);
  make.certify(entry, 1);
  const auto pages = pages_of(reports::site::board_site({}, {entry}));
  EXPECT_NE(pages.at("fashion-linf@1/certified.html").find("certified, L2 radius 0.25"),
            std::string::npos);
  EXPECT_NE(pages.at("index.html").find("<caption>certified, L2 radius 0.25"), std::string::npos);
}

TEST(EntryPage, SaysWhatIsClaimed) {
  std::vector<boards::BoardEntry> entries = examples();
  entries[0].parameters = R"({"model":"m","training":{"epochs":4711,"seconds":12},"stack":[]})";
  entries[0].verified = boards::Verified::kModel, entries[0].verified_when = "2026-11-28T00:00:00Z";
  const auto pages = pages_of(reports::site::board_site({definition()}, entries));
  const std::string html = pages.at("fashion-linf@1/strong.html");
  for (const char* text :
       {"Time <small>claimed</small>", "time, claimed", "passes executed, claimed",
        "scoring passes, claimed", "<h4>Training <small>claimed</small></h4>",
        "<h4>Environment <small>claimed</small></h4>"})
    EXPECT_NE(html.find(text), std::string::npos) << text;
  const size_t training = html.find("<h4>Training"), epochs = html.find("4711");
  EXPECT_GT(epochs, training) << "not among what is verified";
  EXPECT_EQ(html.find("4711", epochs + 1), std::string::npos);
  EXPECT_EQ(html.find("Queries <small>claimed"), std::string::npos) << "verified: counted again";
  EXPECT_NE(pages.at("fashion-linf@1/weak.html").find("Queries <small>claimed</small>"),
            std::string::npos);
  EXPECT_NE(pages.at("fashion-linf@1.html").find("Passes<br>an answer<small>claimed</small>"),
            std::string::npos);
}

TEST(BoardPage, MarksScoresWithFindingsAndGivesThemNoGreenBadge) {
  std::vector<boards::BoardEntry> entries = examples();
  for (boards::BoardEntry& entry : entries)
    entry.verified = boards::Verified::kModel, entry.verified_when = "2026-11-28T00:00:00Z";
  const auto pages = pages_of(reports::site::board_site({definition()}, entries));
  const Page board(pages.at("fashion-linf@1.html"));
  std::map<std::string, std::string> scores;
  size_t plain = 0;
  for (const Tag& tag : board.of_class("td", "score"))
    scores[tag.attributes.at("data-value")] = tag.text;
  EXPECT_EQ(std::count_if(scores.begin(), scores.end(),
                          [](auto& each) { return each.second.find("⚑") != std::string::npos; }),
            1);
  for (const Tag& tag : board.of_class("span", "verified"))
    plain += tag.attributes.at("class") == "verified plain";
  EXPECT_EQ(plain, 2u) << "of the one with a finding, and of the one that is not ranked";
  EXPECT_EQ(Page(pages.at("fashion-linf@1/weak.html")).of_class("span", "complete").size(), 0u);
  EXPECT_EQ(Page(pages.at("fashion-linf@1/strong.html")).of_class("span", "complete").size(), 1u);
  const std::string failed = pages.at("fashion-linf@1/failed.html");
  EXPECT_NE(failed.find("<span class=\"pill cut\">not ranked</span>"), std::string::npos);
}

TEST(BoardPage, ListsWhatHadNoGradientsWithoutARank) {
  std::vector<boards::BoardEntry> entries = examples();
  for (boards::BoardAttack& attack : entries[0].threats[0].attacks) {  // of the best
    results::CellRecord& record = attack.cells[0].record;
    const bool follows = attack.name.starts_with("pgd") || attack.name == "cw";
    record.ledger.backwards = follows ? 200 : 0;
    if (follows) record.flags = {{"zero_gradients", {{"samples", 200}, {"of", 200}}}};
  }
  entries[0].verified = boards::Verified::kModel, entries[0].verified_when = "2026-11-28T00:00:00Z";
  const auto pages = pages_of(reports::site::board_site({definition()}, entries));
  const std::string board = pages.at("fashion-linf@1.html");
  const std::string sentence = "not ranked</span> every gradient of pgd is 0";
  EXPECT_EQ(count(board, sentence), 1u);
  EXPECT_EQ(count(board, "<span class=\"verified\">"), 0u);
  const std::string entry = pages.at("fashion-linf@1/strong.html");
  EXPECT_EQ(count(entry, sentence), 1u);
  EXPECT_EQ(count(entry, "<span class=\"pill cut\">not ranked</span>"), 1u);
  EXPECT_EQ(count(entry, "rank <b>"), 0u);
}

TEST(BoardPage, MarksAScoreWithTheFindingsOfWhatDecidedIt) {
  const std::vector<boards::BoardEntry> plain = examples();
  const boards::BoardScore score = score_of(plain[0].threats[0]);
  for (size_t i = 0; i < plain[0].threats[0].attacks.size(); ++i) {
    std::vector<boards::BoardEntry> entries = plain;
    boards::BoardAttack& attack = entries[0].threats[0].attacks[i];
    attack.cells[0].record.flags = {results::remark("looked at twice")};
    EXPECT_EQ(count(board_page(entries), "title=\"" + attack.name + ": looked at twice\""),
              score.decided_by.count(attack.name))
        << attack.name;
  }
}

TEST(BoardSite, BoundsAndShowsWhatOthersWrote) {
  std::vector<boards::BoardEntry> entries = examples();
  const std::string huge(8 << 20, 'x');
  entries[0].about = {huge, "a\u202eb", huge, huge, huge};
  entries[1].findings = {huge, "\x1b[2J"};
  entries[2].threats[0].attacks[0].cells[0].record.flags = {results::remark(huge)};
  entries[4].threats[0].attacks[1].cells[0].record.reason = huge;
  for (const auto& [path, html] : pages_of(reports::site::board_site({definition()}, entries))) {
    EXPECT_LT(html.size(), 1u << 20) << path;
    EXPECT_EQ(html.find('\x1b'), std::string::npos) << path;
    EXPECT_EQ(html.find("\u202e"), std::string::npos) << path;
  }
}

TEST(EntryPage, LinksToTheWebAlone) {
  std::vector<boards::BoardEntry> entries = examples();
  for (const char* link : {"JavaScript:alert(1)", "data:text/html,x", "https://a.b\u202ec"}) {
    entries[0].about.link = link;
    const Page page(pages_of(reports::site::board_site({definition()}, entries))
                        .at("fashion-linf@1/strong.html"));
    for (const Tag& tag : page.tags())
      if (tag.name == "a" && tag.attributes.count("rel")) ADD_FAILURE() << link;
  }
  entries[0].about.link = "https://example.org/?a=1&b=2";
  const Page page(pages_of(reports::site::board_site({definition()}, entries))
                      .at("fashion-linf@1/strong.html"));
  size_t links = 0;
  for (const Tag& tag : page.tags()) links += tag.name == "a" && tag.attributes.count("rel");
  EXPECT_EQ(links, 1u);
}

TEST(BoardSite, KeepsEvilTextsInert) {
  const std::string evil[] = {"<script>alert(1)</script>",
                              "\"><img src=x onerror=alert(1)>",
                              "' onmouseover='alert(1)",
                              "</style></script><b>",
                              "{{{script}}}",
                              "\xff\xfe",
                              std::string(300, 'x'),
                              "../../../etc/passwd"};
  size_t tags = 0;
  for (const std::string& text : evil) {
    BoardExamples make(50);
    boards::BoardEntry entry = make.entry(text, 0.9, 0.5);
    entry.about = {text, text, text, text, text};
    entry.findings = {text}, entry.class_names = {text};
    boards::BoardThreat& threat = entry.threats[0];
    threat.threat.name = threat.attacks[1].name = threat.attacks[1].plugin = text;
    make.overturn(entry, text + "!", 0.1);
    threat.attacks[0].cells[0].record.flags = {results::remark(text)};
    reports::site::BoardDefinition board = definition();
    board.title = board.description = board.text = text;
    const auto pages = pages_of(reports::site::board_site({board}, {entry}));
    size_t found = 0;
    for (const auto& [path, html] : pages) {
      EXPECT_EQ(path.find(".."), std::string::npos);
      EXPECT_EQ(html.find("<img"), std::string::npos) << path;
      const Page page(html);
      for (const Tag& tag : page.tags()) {
        ++found;
        EXPECT_FALSE(tag.attributes.count("onmouseover"));
      }
    }
    if (tags == 0) tags = found;
    EXPECT_EQ(found, tags) << text;  // the same elements, whatever they say
  }
}

class SiteFolder : public ::testing::Test {
 protected:
  const testing::TemporaryFolder owned_;
  const fs::path folder_ = owned_;
};

TEST_F(SiteFolder, IsWrittenAgainAndLosesWhatIsGone) {
  const fs::path site = folder_ / "a" / "site";
  std::vector<boards::BoardEntry> entries = examples();
  reports::site::write_site(reports::site::board_site({definition()}, entries), site);
  std::ofstream(site / "fashion-linf@1" / "notes.txt") << "mine";
  entries.erase(entries.begin());
  reports::site::write_site(reports::site::board_site({definition()}, entries), site);
  EXPECT_FALSE(fs::exists(site / "fashion-linf@1" / "strong.html"));
  EXPECT_TRUE(fs::exists(site / "fashion-linf@1" / "weak.html"));
  EXPECT_TRUE(fs::exists(site / "fashion-linf@1" / "notes.txt"));
  for (const auto& file : fs::recursive_directory_iterator(site))
    EXPECT_NE(file.path().extension(), ".tmp");
}

TEST_F(SiteFolder, KeepsFilesThatAreNotTheSites) {
  std::ofstream(folder_ / "index.html") << "mine";
  try {
    reports::site::write_site(reports::site::board_site({}, {}), folder_);
    FAIL();
  } catch (const BadInput& error) {
    EXPECT_NE(
        std::string(error.what()).find("index.html: exists and was not written by an earlier"),
        std::string::npos);
  }
  std::string text;
  std::ifstream(folder_ / "index.html") >> text;
  EXPECT_EQ(text, "mine");
}

// A list that someone edited removes nothing but pages of the folder.
TEST_F(SiteFolder, RemovesNothingElsewhere) {
  fs::create_directories(folder_ / "site" / "b@1");
  for (const char* name : {"victim.html", "site/data.csv", "site/b@1/e.html"})
    std::ofstream(folder_ / name) << "x";
  std::ofstream(folder_ / "site" / "site.txt")
      << "../victim.html\n"
      << (folder_ / "victim.html") << "\ndata.csv\nb@1/e.html\nb@1/../../victim.html\n";
  reports::site::write_site(reports::site::board_site({}, {}), folder_ / "site");
  EXPECT_TRUE(fs::exists(folder_ / "victim.html"));
  EXPECT_TRUE(fs::exists(folder_ / "site" / "data.csv"));
  EXPECT_FALSE(fs::exists(folder_ / "site" / "b@1" / "e.html"));
}

}  // namespace
}  // namespace gauntlet
