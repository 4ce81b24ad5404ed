#include "boards/entries.h"

#include <gtest/gtest.h>

#include <fstream>

#include "base/bad_input.h"
#include "board_examples.h"
#include "tests/support/temporary_folder.h"

namespace gauntlet {
namespace {
namespace fs = std::filesystem;

class BoardResults : public ::testing::Test {
 protected:
  void put(const boards::BoardEntry& entry) {
    fs::create_directories(folder_ / to_string(entry.board));
    std::ofstream(folder_ / entry_path(entry)) << to_json(entry);
  }
  std::string problem() const {
    try {
      boards::read_board_results(folder_);
    } catch (const BadInput& error) {
      return error.what();
    }
    return "";
  }

  const testing::TemporaryFolder owned_;
  const fs::path folder_ = owned_;
  BoardExamples make_{20};
};

TEST_F(BoardResults, AreReadByBoardAndId) {
  for (const char* name : {"b", "a", "c"}) {
    boards::BoardEntry entry = make_.entry(name, 0.9, 0.5);
    if (*name == 'c') entry.board = {"a-board", 2};
    put(entry);
  }
  std::ofstream(folder_ / "README.md") << "text";
  std::ofstream(folder_ / "a-board@2" / "notes.txt") << "text";
  const std::vector<boards::BoardEntry> entries = boards::read_board_results(folder_);
  ASSERT_EQ(entries.size(), 3u);
  EXPECT_EQ(entries[0].id, "c");
  EXPECT_EQ(entries[1].id, "a");
  EXPECT_EQ(entries[2].id, "b");
}

TEST_F(BoardResults, NameTheFileThatIsWrong) {
  boards::BoardEntry entry = make_.entry("a", 0.9, 0.5);
  put(entry);
  EXPECT_EQ(problem(), "");
  entry.threats[0].robust_accuracy += 0.05;
  put(entry);
  EXPECT_NE(problem().find("fashion-linf@1/a.json: linf8: claims robust accuracy"),
            std::string::npos);
  std::ofstream(folder_ / entry_path(entry)) << "{";
  EXPECT_NE(problem().find("fashion-linf@1/a.json: is not JSON"), std::string::npos);
  fs::remove(folder_ / entry_path(entry));
  fs::create_directories(folder_ / "other@1");
  std::ofstream(folder_ / "other@1" / "a.json") << to_json(make_.entry("a", 0.9, 0.5));
  EXPECT_NE(problem().find("other@1/a.json: is an entry of fashion-linf@1"), std::string::npos);
}

TEST_F(BoardResults, NeedAFolder) {
  fs::remove_all(folder_);
  EXPECT_NE(problem().find("no such folder"), std::string::npos);
}

}  // namespace
}  // namespace gauntlet
