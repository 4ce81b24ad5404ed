// Command lines that no command understands: each ends with 2 and one sentence.
#include <gmock/gmock.h>

#include "command_line_fixture.h"

namespace gauntlet::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class Words : public CommandLine {
 protected:
  // The one line that is said.
  std::string said(const std::vector<std::string>& arguments) const {
    const Ended ended = gauntlet(arguments);
    EXPECT_EQ(ended.code, 2) << ended.out << ended.err;
    EXPECT_EQ(ended.out, "");
    EXPECT_EQ(std::count(ended.err.begin(), ended.err.end(), '\n'), 1) << ended.err;
    return ended.err.substr(0, ended.err.find('\n'));
  }
};

TEST_F(Words, ThatAreNoCommandAreNamedWithTheNearest) {
  EXPECT_EQ(said({"rnu", "x"}),
            "gauntlet: there is no command 'rnu', did you mean 'gauntlet run'?");
  EXPECT_EQ(said({"data", "lst"}),
            "gauntlet data: there is no command 'lst', did you mean 'gauntlet data list'?");
  EXPECT_EQ(said({"board", "frobnicate"}),
            "gauntlet board: there is no command 'frobnicate'; known: build, list, show, add");
  EXPECT_THAT(said({"frobnicate"}), StartsWith("gauntlet: there is no command 'frobnicate'; known: "
                                               "run, check, audit, train"));
  EXPECT_THAT(said({"suite.toml"}), HasSubstr("'gauntlet run suite.toml' runs a suite"));
  EXPECT_THAT(said({}), StartsWith("gauntlet: a command is missing, expected one of run, check"));
  EXPECT_EQ(said({"plugins"}),
            "gauntlet plugins: a command is missing, expected one of list, show, check, new");
  EXPECT_THAT(said({"a\x1b[2J"}), HasSubstr("'a\\x1b[2J'"));
}

TEST_F(Words, ThatAreNoOptionAreNamedWithTheNearest) {
  EXPECT_EQ(said({"run", quickstart(), "--bach-size", "3"}),
            "gauntlet run: there is no option '--bach-size', did you mean '--batch-size'?");
  EXPECT_THAT(said({"--verison"}), HasSubstr("did you mean '--version'?"));
  EXPECT_THAT(said({"data", "--helo"}), HasSubstr("did you mean '--help'?"));
  EXPECT_THAT(said({"run"}),
              HasSubstr("gauntlet run: suite is required; see 'gauntlet run --help'"));
  EXPECT_THAT(said({"run", quickstart(), "other"}), HasSubstr("other"));
}

TEST_F(Words, ThatAreOptionsAreNoValues) {
  EXPECT_EQ(said({"run", quickstart(), "--output", "--quiet"}),
            "gauntlet run: --output has no value before '--quiet'; if that is its value, write "
            "--output=--quiet");
  EXPECT_EQ(said({"run", quickstart(), "--output"}), "gauntlet run: --output has no value");
  EXPECT_THAT(said({"verify", "--device", "--tables", "b.zip"}),
              HasSubstr("--device has no value"));
  EXPECT_FALSE(fs::exists("--quiet"));
}

TEST_F(Words, OneValueGoesWithOneOption) {
  const Ended checked = gauntlet({"check", "--set", "data.samples=10", "--only",
                                  "defense=undefended,attack=fgsm", quickstart()});
  EXPECT_EQ(checked.code, 0) << checked.err;
}

TEST_F(Words, NumbersAreDecimalFiniteAndInAStatedRange) {
  const std::string run = "gauntlet run: ";
  EXPECT_EQ(said({"run", quickstart(), "--batch-size", "0"}),
            run + "--batch-size: 0 is not in [1, 1000000]; see 'gauntlet run --help'");
  EXPECT_THAT(said({"run", quickstart(), "--batch-size", "99999999999999999999"}),
              HasSubstr("99999999999999999999 is not in [1, 1000000]"));
  for (const char* wrong : {"0x10", "2.5", "nan", "1e3", " 3", "3 "})
    EXPECT_THAT(said({"run", quickstart(), "--batch-size", wrong}),
                HasSubstr("'" + std::string(wrong) + "' is not a whole number, expected one in"));
  EXPECT_THAT(said({"run", quickstart(), "--threads", "-1"}), HasSubstr("-1 is not in [0, 1024]"));
  EXPECT_THAT(said({"trace", quickstart(), "--images", "0"}), HasSubstr("0 is not in [1, 1000]"));
  for (const char* wrong : {"nan", "inf", "1e400", "one"})
    EXPECT_THAT(
        said({"compare", "a", "b", "--gate", wrong}),
        HasSubstr("'" + std::string(wrong) + "' is not a number, expected one in [0, 100]"));
  EXPECT_THAT(said({"compare", "a", "b", "--gate", "-1"}), HasSubstr("-1 is not in [0, 100]"));
  EXPECT_THAT(said({"models", "import", "w.pt", "--id", "a/b", "--architecture", "resnet20",
                    "--dataset", "cifar10", "--mean", "125.3,123,113.9", "--std", "1,1,1"}),
              HasSubstr("125.3 is not in [-1, 1]; pixels are in [0, 1], write 125.3/255"));
}

TEST_F(Words, ALeadingZeroIsNoOctalNumber) {
  const std::vector<std::string> arguments = small_run("10");
  std::vector<std::string> ten = arguments;
  ten.insert(ten.end(), {"--threads", "010", "--quiet"});
  ASSERT_EQ(gauntlet(ten).code, 0);
  std::string json = text_of(folder_ / "run" / "report.json");
  std::erase(json, ' ');
  EXPECT_NE(json.find("\"threads\":10"), std::string::npos);
}

TEST_F(Words, ShowAndInfoAreOneAndVersionIsAnOptionToo) {
  for (const char* word : {"show", "info"}) {
    EXPECT_EQ(gauntlet({"data", word, "fashion-mnist-1k"}).code, 0) << word;
    EXPECT_EQ(gauntlet({"models", word, "fashion-mnist/standard"}).code, 0) << word;
    EXPECT_EQ(gauntlet({"plugins", word, "pgd"}).code, 0) << word;
    EXPECT_EQ(gauntlet({"board", word, "fashion-mnist-linf-deterministic@1"}).code, 0) << word;
  }
  const Ended option = gauntlet({"--version"}), command = gauntlet({"version"});
  EXPECT_EQ(option.code, 0);
  EXPECT_EQ(option.out, command.out);
  EXPECT_THAT(option.out, StartsWith("gauntlet "));
}

}  // namespace
}  // namespace gauntlet::testing
