// Boards: what entries compete on. A file suites/boards/NAME.toml fixes everything but the
// defenses.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "base/board_terms.h"
#include "toml/toml_reader.h"

namespace gauntlet::suite {

struct Board {
  BoardName name;
  std::string title, description;
  Division division = Division::kDeterministic;  ///< what a row must be: probed, never believed
  AuditItems audit;
  toml::Toml fixed;    ///< the keys of a suite: data, seeds, threat, scoring, attack, certify
  std::string sha256;  ///< of the file, byte by byte
  std::filesystem::path file;

  std::string id() const { return to_string(name); }
  /// Whether a suite's attack of this name (as [attack.NAME] writes it) is the board's own.
  bool has_attack(const std::string& name) const;
};

/// NAME.toml, or NAME@VERSION.toml. Throws BadInput: what is wrong with the definition, with line
/// and column.
Board read_board(const std::filesystem::path& file);

/// Folders of boards: those of GAUNTLET_BOARDS (colon-separated), then suites/boards of the source
/// tree or of the installation.
std::vector<std::filesystem::path> board_search_path();
/// Those that a folder defines, by file name. Throws BadInput: no folder, two of one id, and what
/// read_board() throws.
std::vector<Board> boards_in(const std::filesystem::path& folder);
/// All boards of the search path; of those with one id in several folders, the first.
std::vector<Board> known_boards();
/// "cifar10-linf@1". Throws BadInput for one that is not there, naming the nearest that is.
Board find_board(const std::string& id);

}  // namespace gauntlet::suite
