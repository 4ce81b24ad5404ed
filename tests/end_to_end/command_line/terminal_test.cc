// What reaches a terminal: nothing that would steer it, whoever named rows, columns and data.
#include <gmock/gmock.h>

#include <regex>

#include "command_line_fixture.h"

namespace gauntlet::testing {
namespace {

using ::testing::HasSubstr;

// Clears the screen, sets the title, turns what follows, breaks the line, hides a letter.
const std::string kHostile =
    R"(name = "a\u001b[2J\u001b]0;t\u0007b\u202ec\u2066d\ne\u200bf\u009bg")";

std::string raw(const std::string& text) {
  for (const char* bad : {"\x1b", "\x07", "\r", "\u202e", "\u2066", "\u200b", "\u009b", "d\ne"})
    if (text.find(bad) != std::string::npos) return text;
  return "";
}

class Terminal : public CommandLine {
 protected:
  std::string suite(const std::string& row = kHostile, int steps = 1) const {
    const fs::path file = folder_ / "suite.toml";
    std::ofstream(file) << "schema = 1\nname = \"t\"\ndata = { dataset = \"fashion-mnist-1k\", "
                           "samples = 10 }\nthreat.\"l\\u001b[31m\" = { norm = \"linf\", epsilon = "
                           "0.1 }\n[attack]\n\"p\\u001b[1m\" = { use = \"pgd\", steps = "
                        << steps
                        << " }\n\"q\\u202e\" = { use = \"pgd\", access = \"score\" }\n"
                           "[[defense]]\n"
                        << row << "\nmodel = \"fashion-mnist/standard\"\n";
    return file.string();
  }
  void expect_safe(const std::vector<std::string>& arguments, const std::string& what) const {
    SCOPED_TRACE(arguments.front());
    const Ended ended = gauntlet(arguments);
    EXPECT_EQ(raw(ended.out), "");
    EXPECT_EQ(raw(ended.err), "");
    EXPECT_THAT(ended.out + ended.err, HasSubstr(what));
  }
};

TEST_F(Terminal, IsNeverSteeredByNames) {
  const std::string shown = "a\\x1b[2J\\x1b]0;t\\x07b\\u202ec\\u2066d\\ne\\u200bf\\u009bg";
  const std::string run = (folder_ / "run").string(), other = (folder_ / "other").string();
  expect_safe({"check", suite()}, shown);
  expect_safe({"run", suite(), "--output", run}, shown);
  expect_safe({"run", suite(kHostile, 3), "--output", other}, shown);
  expect_safe({"compare", run, other, "--all"}, "a\\x1b[2J");
  expect_safe({"trace", suite(), "--only", "attack=p*", "--output", (folder_ / "t.svg").string()},
              shown);
  expect_safe({"export", run, "--only", "defense=\x1b[2J"}, "\\x1b[2J");
}

TEST_F(Terminal, IsNotSteeredByMistakes) {
  expect_safe({"check", suite("name = \"x\"\n\"mo\\u001b[2Jdel\" = 3")}, "mo\\x1b[2Jdel");
  expect_safe({"check", suite("name = \"x\\u001b[2J\\ny\"\nstack = 3")}, "x\\x1b[2J");
  expect_safe({"check", "no\x1b[2J.toml"}, "no\\x1b[2J.toml");
  expect_safe({"report", "no\x1b[2Jfolder"}, "no\\x1b[2Jfolder");
  expect_safe({"verify", "no\x1b[2J.zip"}, "no\\x1b[2J.zip");
  expect_safe({"data", "show", "no\x1b[2Jdata"}, "no\\x1b[2Jdata");
  expect_safe({"plugins", "check", "no\x1b[2J.so"}, "no\\x1b[2J.so");
}

// Whoever prints past the door is found here.
TEST(Door, IsTheOnlyPlaceThatPrints) {
  const std::regex prints(
      R"((^|[^\w:.>])(v?f?printf|f?put[sc]|putchar|perror)\s*\(|fmt::v?print\s*\(|std::v?print(ln)?\s*\()"
      R"(|std::v?f?printf\s*\(|std::f?puts\s*\(|std::(cout|cerr|clog|wcout|wcerr)\b|\bfwrite\s*\()");
  int files = 0;
  for (const char* part : {"framework", "reports"})
    for (const auto& item :
         fs::recursive_directory_iterator(from_environment("GAUNTLET_SOURCE_DIR") / part)) {
      const std::string extension = item.path().extension().string();
      if ((extension != ".cc" && extension != ".h") || item.path().filename() == "terminal.h")
        continue;
      ++files;
      std::istringstream lines(text_of(item.path()));
      for (std::string line; std::getline(lines, line);) {
        line = line.substr(0, line.find("//"));
        const auto has = [&](const char* part) { return line.find(part) != std::string::npos; };
        if (!has("print") && !has("put") && !has("std::") && !has("fwrite") && !has("perror"))
          continue;  // expressions are slow
        EXPECT_FALSE(std::regex_search(line, prints)) << item.path() << ": " << line;
      }
    }
  EXPECT_GT(files, 200);
}

}  // namespace
}  // namespace gauntlet::testing
