#include "suite/on_board.h"

#include <algorithm>

#include "suite/text/source.h"

namespace gauntlet::suite {
namespace {

// All that a suite on a board may say; `include` is gone by now.
const std::vector<std::string> kOwnKeys = {"schema", "name", "board", "defense", "attack", "audit"};

std::string fixes(const Board& board, const std::string& what) {
  return "board = \"" + board.id() + "\" fixes " + what;
}

void refuse_assignment(const std::string& assignment, const Board& board,
                       toml::Problems& problems) {
  const std::string path = assignment.substr(0, assignment.find('='));
  const std::vector<std::string> keys = keys_of(path);
  const toml::Position position{"--set " + assignment, 0, 0};
  const bool own = std::count(kOwnKeys.begin(), kOwnKeys.end(), keys[0]) > 0;
  const bool attack = keys[0] == "attack" && (keys.size() == 1 || board.has_attack(keys[1]));
  if (keys[0] == "board") {
    problems.add(position, "board cannot be set on the command line");
  } else if (!own || attack) {
    problems.add(position, fixes(board, path));
  }
}
}  // namespace

std::optional<Board> board_of(const toml::Toml& suite) {
  const toml::Toml* named = suite.find("board");
  if (!named) return {};
  const auto* id = named->get<std::string>();
  const std::string where = to_string(named->position) + ": the suite: board: ";
  if (!id)
    throw BadInput(where + to_text(to_param(*named)) +
                   " is no board, expected an id such as \"cifar10-linf@1\"");
  try {
    return find_board(*id);
  } catch (const BadInput& error) {
    throw BadInput(where + error.what());
  }
}

void refuse_fixed(const toml::Toml& suite, const std::vector<std::string>& set, const Board& board,
                  toml::Problems& problems) {
  for (const std::string& assignment : set) refuse_assignment(assignment, board, problems);
  for (const auto& member : *suite.get<toml::Toml::Table>()) {
    // A key that no suite has is the reader's to report.
    if (std::count(kOwnKeys.begin(), kOwnKeys.end(), member.key)) continue;
    static const std::vector<std::string> kFixed = {"data",    "seeds",   "threat",
                                                    "scoring", "certify", "division"};
    if (std::count(kFixed.begin(), kFixed.end(), member.key))
      problems.add(member.position, "the suite: " + fixes(board, member.key) +
                                        "; a suite of its own gives name, rows and further "
                                        "attacks");
  }
  const toml::Toml* attack = suite.find("attack");
  if (!attack) return;
  const auto* own = attack->get<toml::Toml::Table>();
  if (!own)
    problems.add(attack->position, "the suite: " + fixes(board, "attack") +
                                       "; further ones are tables [attack.NAME]");
  for (const auto& member : own ? *own : toml::Toml::Table{})
    if (board.has_attack(member.key))
      problems.add(member.position, "the suite: " + fixes(board, "attack." + member.key) +
                                        "; a further attack needs a name of its own");
}

toml::Toml on_board(toml::Toml suite, const Board& board) {
  for (const auto& member : *board.fixed.get<toml::Toml::Table>()) {
    toml::Toml::Member merged = member;
    const toml::Toml* own = member.key == "attack" ? suite.find("attack") : nullptr;
    if (own && own->get<toml::Toml::Table>())
      for (const auto& attack : *own->get<toml::Toml::Table>())
        if (!board.has_attack(attack.key)) merged.value.set(attack);
    suite.set(merged);
  }
  return suite;
}

}  // namespace gauntlet::suite
