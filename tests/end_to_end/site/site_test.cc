// gauntlet board build, as a person uses it.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/sha256.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/text_of.h"
#include "tests/unit/boards/board_examples.h"

namespace gauntlet {
namespace {
namespace fs = std::filesystem;

class BoardBuild : public ::testing::Test {
 protected:
  BoardBuild() {
    fs::create_directories(folder_ / "boards");
    const std::string definition = example_definition("A small board");
    std::ofstream(folder_ / "boards" / "fashion-linf.toml") << definition;
    BoardExamples make(100);
    for (const auto& [defense, robust] :
         {std::pair{"AT", 0.6}, {"undefended", 0.1}, {"<b>bold</b>", 0.3}}) {
      boards::BoardEntry entry = make.entry(defense, 0.85, robust);
      entry.board_sha256 = sha256(definition);
      put(entry);
    }
  }

  void put(const boards::BoardEntry& entry) { put_entry(folder_ / "results", entry); }
  std::string quoted(const std::string& name) const {
    return "'" + (folder_ / name).string() + "'";
  }
  // The exit code; what was said lies in out_ and err_.
  int build() { return build("--results " + quoted("results")); }
  int build(const std::string& from) {
    const std::string program = (fs::path(std::getenv("GAUNTLET_BUILD_DIR")) / "gauntlet").string();
    const int status =
        std::system((program + " board build " + from + " --boards " + quoted("boards") +
                     " --output " + quoted("site") + " > " + quoted("out") + " 2> " + quoted("err"))
                        .c_str());
    out_ = text_of(folder_ / "out"), err_ = text_of(folder_ / "err");
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  const testing::TemporaryFolder owned_;
  const fs::path folder_ = owned_;
  std::string out_, err_;
};

TEST_F(BoardBuild, MakesASiteTwiceTheSame) {
  ASSERT_EQ(build(), 0) << err_;
  EXPECT_NE(out_.find("5 pages, 1 board, 3 entries"), std::string::npos) << out_;
  const fs::path site = folder_ / "site";
  const std::string index = text_of(site / "index.html");
  EXPECT_NE(index.find("A small board"), std::string::npos);
  const std::string board = text_of(site / "fashion-linf@1.html");
  EXPECT_NE(board.find("3 ranked"), std::string::npos);
  EXPECT_EQ(board.find("<b>bold"), std::string::npos);
  EXPECT_TRUE(fs::exists(site / "fashion-linf@1" / (boards::entry_id("AT") + ".html")));
  ASSERT_EQ(build(), 0) << err_;
  EXPECT_EQ(text_of(site / "index.html"), index);
  EXPECT_EQ(text_of(site / "fashion-linf@1.html"), board);
}

TEST_F(BoardBuild, NamesABadEntryAndWritesNothing) {
  const fs::path file = folder_ / "results" / "fashion-linf@1" / "undefended.json";
  std::string text = text_of(file);
  const std::string claim = "\"robust_accuracy\": ";
  text.insert(text.find(claim) + claim.size() + 2, "9");
  std::ofstream(file) << text;
  EXPECT_EQ(build(), 2);
  EXPECT_NE(err_.find("undefended.json: linf8: claims robust accuracy"), std::string::npos) << err_;
  EXPECT_EQ(std::count(err_.begin(), err_.end(), '\n'), 1) << err_;
  EXPECT_FALSE(fs::exists(folder_ / "site"));
}

TEST_F(BoardBuild, HoldsEntriesAgainstTheDefinition) {
  std::ofstream(folder_ / "boards" / "fashion-linf.toml", std::ios::app) << "# another text\n";
  ASSERT_EQ(build(), 0) << err_;
  const std::string board = text_of(folder_ / "site" / "fashion-linf@1.html");
  EXPECT_NE(board.find("0 ranked"), std::string::npos);
  EXPECT_NE(board.find("made for another text of the board"), std::string::npos);
}

TEST_F(BoardBuild, FindsEntriesInARegistry) {
  fs::create_directories(folder_ / "registry");
  fs::rename(folder_ / "results", folder_ / "registry/results");
  ASSERT_EQ(build("--registry " + quoted("registry")), 0) << err_;
  EXPECT_NE(out_.find("1 board, 3 entries"), std::string::npos) << out_;
}

TEST_F(BoardBuild, NeedsItsFolders) {
  fs::remove_all(folder_ / "results");
  EXPECT_EQ(build(), 2);
  EXPECT_NE(err_.find("results: no such folder"), std::string::npos) << err_;
}

}  // namespace
}  // namespace gauntlet
