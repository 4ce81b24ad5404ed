// The key board, and definitions of boards.
#include "base/sha256.h"
#include "suite/read_suite.h"
#include "suite_fixture.h"

namespace gauntlet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::string kBoard = R"(schema = 1
version = 2
title = "Tiny"
division = "deterministic"
seeds = [3, 4]
data = { dataset = "tiny", samples = 4 }
threat.linf8 = { norm = "linf", epsilon = "8/255" }
[attack]
random_noise = { use = "random_noise" }
pgd = { use = "pgd", cross = { steps = [5, 20] } }
[audit]
control = ["random_noise"]
white_box = ["pgd"]
black_box = []
)";
const std::string kEntry = R"(schema = 1
name = "mine"
board = "tiny-linf@2"
)";
const std::string kRows = "[[defense]]\nname = \"none\"\nmodel = \"tiny/standard\"\n";

class BoardSuite : public SuiteTest {
 protected:
  void SetUp() override {
    SuiteTest::SetUp();
    boards_.emplace("GAUNTLET_BOARDS", (folder_ / "boards").string());
    write("boards/tiny-linf.toml", kBoard);
  }
  void TearDown() override {
    boards_.reset();
    SuiteTest::TearDown();
  }
  std::string board_error(const std::string& text) {
    write("boards/wrong.toml", text);
    try {
      suite::read_board(folder_ / "boards/wrong.toml");
    } catch (const BadInput& error) {
      return error.what();
    }
    return "";
  }
  std::optional<Variable> boards_;
  static std::string replaced(std::string text, const std::string& from, const std::string& to) {
    return text.replace(text.find(from), from.size(), to);
  }
};

TEST_F(BoardSuite, TakesAllButTheRowsFromTheBoard) {
  const suite::Suite suite = read(kEntry + kRows);
  ASSERT_TRUE(suite.board);
  EXPECT_EQ(suite.board->id(), "tiny-linf@2");
  EXPECT_EQ(suite.board->sha256, sha256(kBoard));
  EXPECT_THAT(suite.seeds, ElementsAre(3, 4));
  EXPECT_EQ(suite.data.indices.size(), 4u);
  EXPECT_THAT(names_of(suite.threats), ElementsAre("linf8"));
  EXPECT_THAT(names_of(suite.attacks),
              ElementsAre("random_noise", "pgd[steps=5]", "pgd[steps=20]"));
  EXPECT_THAT(names_of(suite.defenses), ElementsAre("none"));
  for (const suite::AttackSpec& attack : suite.attacks)
    EXPECT_FALSE(attack.additional) << attack.name;
}

TEST_F(BoardSuite, TakesPresetsInTheSuiteAndNotInTheDefinition) {
  write("presets/attacks/pgd.toml", "[attack.pgd-long]\nuse = \"pgd\"\nsteps = 900\n");
  const suite::Suite suite = read(kEntry + "attack.long = \"pgd-long\"\n" + kRows);
  EXPECT_EQ(suite.attacks.back().params.at("steps"), ParamValue(900));
  EXPECT_TRUE(suite.attacks.back().additional);
  const std::string pgd = "pgd = { use = \"pgd\", cross = { steps = [5, 20] } }";
  for (const char* preset : {"pgd = \"pgd-long\"", "pgd = { base = \"pgd-long\", samples = 2 }"})
    EXPECT_THAT(board_error(replaced(kBoard, pgd, preset)),
                HasSubstr("the board: attack 'pgd': 'pgd-long' is none of its attacks; presets are "
                          "copied into a definition"));
}

TEST_F(BoardSuite, GoesOnWithAttacksOfTheSuitesOwn) {
  const suite::Suite suite =
      read(kEntry + "attack.stronger = { base = \"pgd\", restarts = 3 }\n" + kRows);
  EXPECT_THAT(names_of(suite.attacks), ElementsAre("random_noise", "pgd[steps=5]", "pgd[steps=20]",
                                                   "stronger[steps=5]", "stronger[steps=20]"));
  EXPECT_FALSE(suite.attacks[2].additional);
  EXPECT_TRUE(suite.attacks[3].additional);
  EXPECT_EQ(suite.attacks[3].host.restarts, 3);
}

// A published definition means what it meant before there was a choice.
TEST_F(BoardSuite, RetriesNothingUnlessItsDefinitionSaysSo) {
  const suite::Suite suite = read(kEntry + "attack.mine = { use = \"pgd\" }\n" + kRows);
  EXPECT_FALSE(suite.attacks[1].host.retries());
  EXPECT_TRUE(suite.attacks.back().host.retries()) << "what a suite adds is like any suite's";
  EXPECT_FALSE(
      suite::board_columns(*suite.board, FixedCatalogue(), registry_).attacks[1].host.retries());
  write("boards/tiny-linf.toml",
        replaced(kBoard, "use = \"pgd\",", "use = \"pgd\", saturation = \"retry\","));
  EXPECT_TRUE(read(kEntry + kRows).attacks[1].host.retries());
  EXPECT_FALSE(read(kEntry + "attack.mine = { use = \"pgd\", saturation = \"report\" }\n" + kRows)
                   .attacks.back()
                   .host.retries());
}

TEST_F(BoardSuite, RefusesWhatTheBoardFixes) {
  const std::vector<std::pair<std::string, std::string>> changes = {
      {"seeds = [0]\n", "fixes seeds"},
      {"data = { dataset = \"tiny\" }\n", "fixes data"},
      {"threat.mine = { norm = \"linf\", epsilon = 0 }\n", "fixes threat"},
      {"scoring = { trials = 1 }\n", "fixes scoring"},
      {"certify = true\n", "fixes certify"},
      {"division = \"certified\"\n", "fixes division"},
      {"attack.pgd = { use = \"pgd\", steps = 1 }\n", "fixes attack.pgd"},
      {"attack = \"all\"\n", "fixes attack"},
  };
  for (const auto& [line, what] : changes)
    EXPECT_THAT(error(kEntry + line + kRows), HasSubstr("board = \"tiny-linf@2\" " + what)) << line;
}

TEST_F(BoardSuite, RefusesWhatTheBoardFixesFromTheCommandLine) {
  const auto with = [&](const std::string& set) { return error(kEntry + kRows, {{set}, {}}); };
  EXPECT_THAT(with("attack.pgd.steps=1"), HasSubstr("fixes attack.pgd.steps"));
  EXPECT_THAT(with("data.samples=2"), HasSubstr("fixes data.samples"));
  EXPECT_THAT(with("threat.linf8.epsilon=0"), HasSubstr("fixes threat.linf8.epsilon"));
  EXPECT_THAT(with("board=other@1"), HasSubstr("cannot be set on the command line"));
  EXPECT_THAT(with("attack={}"), HasSubstr("fixes attack"));
  EXPECT_THAT(with("name=other"), IsEmpty());
  EXPECT_THAT(with("defense.none.name=other"), IsEmpty());
}

TEST_F(BoardSuite, NamesTheNearestBoard) {
  EXPECT_THAT(
      error("schema = 1\nname = \"mine\"\nboard = \"tiny-linf@1\"\n" + kRows),
      HasSubstr("suite.toml:3:9: the suite: board: there is no board 'tiny-linf@1', did you "
                "mean 'tiny-linf@2'?"));
  write("boards/tiny-linf@7.toml", replaced(kBoard, "version = 2", "version = 7"));
  for (const char* other : {"tiny-linf", "tiny-linf@1", "tiny-linf@9"})
    EXPECT_THAT(
        error("schema = 1\nname = \"mine\"\nboard = \"" + std::string(other) + "\"\n" + kRows),
        HasSubstr("did you mean 'tiny-linf@7'?"))
        << "the newest";
  EXPECT_THAT(error("schema = 1\nname = \"mine\"\nboard = 1\n" + kRows),
              HasSubstr("1 is no board, expected an id such as"));
}

TEST_F(BoardSuite, NeedsModelsThatOthersCanLookUp) {
  std::filesystem::copy_file(golden_suites() / "registry/models/tiny/tiny.safetensors",
                             folder_ / "own.safetensors");
  EXPECT_THAT(
      error(kEntry +
            "[[defense]]\nname = \"own\"\nmodel = { architecture = \"sequential\", input = [1, 4, "
            "4], classes = 3, weights = \"own.safetensors\", layers = [{ type = \"flatten\" }, { "
            "type = \"linear\", out = 3 }] }\n"),
      HasSubstr("defense 'own': inline:own.safetensors is a model of the suite's own; on a board "
                "expected one of the registry"));
}

TEST_F(BoardSuite, EntriesMayAskForAnAudit) {
  const suite::Suite suite = read(kEntry + "audit = { samples = 2, fail_on = \"fail\" }\n" + kRows);
  EXPECT_EQ(suite.audit.samples, 2);
}

TEST_F(BoardSuite, VersionsMayLieBesideEachOther) {
  write("boards/tiny-linf@1.toml", replaced(kBoard, "version = 2", "version = 1"));
  EXPECT_EQ(suite::find_board("tiny-linf@1").name.version, 1);
  EXPECT_EQ(suite::find_board("tiny-linf@2").name.version, 2);
  EXPECT_NE(suite::find_board("tiny-linf@1").sha256, suite::find_board("tiny-linf@2").sha256);
}

TEST_F(BoardSuite, FilesAndVersionsAgree) {
  write("boards/tiny-linf@3.toml", kBoard);
  try {
    suite::read_board(folder_ / "boards/tiny-linf@3.toml");
    FAIL() << "was read";
  } catch (const BadInput& error) {
    EXPECT_THAT(error.what(), HasSubstr("the board: version: is 2, its file is called "
                                        "'tiny-linf@3'"));
  }
  std::filesystem::rename(folder_ / "boards/tiny-linf@3.toml", folder_ / "boards/tiny-linf@2.toml");
  try {
    suite::known_boards();
    FAIL() << "two of one id";
  } catch (const BadInput& error) {
    EXPECT_THAT(error.what(), HasSubstr("tiny-linf@2.toml: is board 'tiny-linf@2', as "
                                        "tiny-linf.toml beside it is"));
  }
}

TEST_F(BoardSuite, AttacksDoNotMakeWrongAnswersRight) {
  EXPECT_THAT(error(kEntry + "attack.kind = { use = \"pgd\", goal = \"hypocritical\" }\n" + kRows),
              HasSubstr("attack 'kind': its goal is hypocritical; on a board expected untargeted "
                        "or targeted"));
  write("boards/tiny-linf.toml",
        replaced(kBoard, "use = \"pgd\"", "use = \"pgd\", goal = \"hypocritical\""));
  EXPECT_THAT(error(kEntry + kRows), HasSubstr("attack 'pgd[steps=5]': its goal is hypocritical"));
}

TEST_F(BoardSuite, ColumnsNeedNeitherRowsNorTheFilesOfTheData) {
  const suite::Suite columns =
      suite::board_columns(suite::find_board("tiny-linf@2"), FixedCatalogue(),
                           registry::Registry(golden_suites() / "registry", {}));
  EXPECT_THAT(names_of(columns.attacks),
              ElementsAre("random_noise", "pgd[steps=5]", "pgd[steps=20]"));
  EXPECT_THAT(columns.defenses, IsEmpty());
}

TEST_F(BoardSuite, DefinitionsAreChecked) {
  EXPECT_THAT(board_error(replaced(kBoard, "\"deterministic\"", "\"sturdy\"")),
              HasSubstr("the board: division: "));
  EXPECT_THAT(board_error(replaced(kBoard, "seeds = [3, 4]\n", "")),
              HasSubstr("the board: 'seeds' is missing"));
  EXPECT_THAT(board_error(replaced(kBoard, "white_box = [\"pgd\"]", "white_box = [\"pdg\"]")),
              HasSubstr("audit: white_box: the board has no attack 'pdg', did you mean 'pgd'?"));
  EXPECT_THAT(board_error(replaced(kBoard, "white_box = [\"pgd\"]", "white_box = []")),
              HasSubstr("is empty, expected an attack that follows gradients"));
  EXPECT_THAT(board_error(replaced(kBoard, "version = 2", "version = 0")),
              HasSubstr("the board: version: "));
  EXPECT_THAT(board_error("include = \"x.toml\"\n" + kBoard),
              HasSubstr("the board: unknown key 'include'"));
  EXPECT_THAT(board_error("certify = true\n" + kBoard),
              HasSubstr("certify: is for the division certified"));
  EXPECT_THAT(board_error(replaced(kBoard, "dataset = \"tiny\"", "path = \"tiny.idx\"")),
              HasSubstr("expected a data set of the registry"));
}

TEST_F(BoardSuite, ShippedBoardsAndTheirEntriesAreRight) {
  const Variable none("GAUNTLET_BOARDS", {});
  const std::vector<suite::Board> boards = suite::known_boards();
  EXPECT_GE(boards.size(), 5u);
  for (const suite::Board& board : boards) {
    const std::filesystem::path entry =
        board.file.parent_path() / "entries" / board.file.filename();
    EXPECT_TRUE(std::filesystem::exists(entry)) << entry;
    EXPECT_FALSE(board.audit.control.empty()) << board.id();
    EXPECT_FALSE(board.audit.black_box.empty()) << board.id();
  }
}

}  // namespace
}  // namespace gauntlet
