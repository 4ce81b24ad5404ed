#include <gtest/gtest.h>

#include <chrono>

#include "base/board_terms.h"
#include "base/nearest_name.h"
#include "base/shown.h"

namespace gauntlet::testing {
namespace {
TEST(Shown, IsShortAndPrintable) {
  EXPECT_EQ(shown("conv1.weight"), "'conv1.weight'");
  EXPECT_EQ(shown("\x1b[31m\nx\xff"), "'?[31m?x?'");
  EXPECT_EQ(shown(std::string(201, 'a')), "'" + std::string(200, 'a') + "…'");
}

TEST(BoardNames, HaveANewestVersion) {
  const std::vector<BoardName> boards = {{"b", 3}, {"a", 1}, {"a", 10}, {"a", 9}};
  EXPECT_EQ(newest_version(boards, "a"), (BoardName{"a", 10}));
  EXPECT_EQ(newest_version(boards, "b"), (BoardName{"b", 3}));
  EXPECT_FALSE(newest_version(boards, "c"));
}

TEST(Printable, SpellsOutWhatSteersTurnsOrHides) {
  EXPECT_EQ(printable("Größe 漢字 ± → 😀"), "Größe 漢字 ± → 😀");
  EXPECT_EQ(printable("\x1b[2J\x07\x7f"), "\\x1b[2J\\x07\\x7f");
  EXPECT_EQ(printable("a\r\nb\tc"), "a\\r\\nb\\tc");
  EXPECT_EQ(printable_lines("a\r\nb\tc\x1b"), "a\\r\nb\tc\\x1b");
  EXPECT_EQ(printable(std::string("a\0b", 3)), "a\\x00b");
  EXPECT_EQ(printable("\u009b"
                      "31m \u202e \u2066 \u200b \u200f \ufeff \u2028 \u00ad"),
            "\\u009b31m \\u202e \\u2066 \\u200b \\u200f \\ufeff \\u2028 \\u00ad");
  EXPECT_EQ(printable("\U000e0041"), "\\U000e0041");
}

TEST(Printable, SpellsOutBytesThatAreNoText) {
  EXPECT_EQ(printable("\x9b"
                      "2J"),
            "\\x9b2J");                                     // a C1 control of 8-bit terminals
  EXPECT_EQ(printable("\xc0\x9b"), "\\xc0\\x9b");           // overlong escape
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // half of a surrogate
  EXPECT_EQ(printable("caf\xc3"), "caf\\xc3");              // cut off
  EXPECT_EQ(printable("\xf5\x80\x80\x80"), "\\xf5\\x80\\x80\\x80");
  const std::string once = printable("\x1b\xff\u202e");
  EXPECT_EQ(printable(once), once);
}

TEST(NearestName, FindsTypingErrors) {
  EXPECT_EQ(nearest_name("pdg", {"fgsm", "pgd"}), "pgd");
  EXPECT_EQ(nearest_name("resnet", {"a", "resnet20"}), "resnet20");
  EXPECT_EQ(nearest_name("PGD", {"fgsm", "pgd"}), "pgd");
  EXPECT_EQ(nearest_name("quite another", {"fgsm", "pgd"}), "");
}

TEST(NearestName, OfALongNameCostsNothing) {
  const auto start = std::chrono::steady_clock::now();
  const std::vector<std::string> names(1000, "layer1.0.conv1.weight");
  EXPECT_EQ(nearest_name(std::string(400'000, 'a'), names), "");
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(1));  // took a minute
}

}  // namespace
}  // namespace gauntlet::testing
