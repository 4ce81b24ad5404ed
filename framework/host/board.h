// Boards: what entries compete on. A file suites/boards/NAME.toml fixes everything but the defenses.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "host/toml_reader.h"

namespace gauntlet {

/// What a row must be to enter: the host probes it and believes nobody.
enum class Division { kDeterministic, kRandomized, kCertified };
std::string to_string(Division);

/// What the evidence behind an entry is held against. Names are of the board's attacks, as its file
/// writes them.
struct AuditItems {
  std::vector<std::string> control;    ///< perturbations without an attacker
  std::vector<std::string> white_box;  ///< follow the defense's gradients
  std::vector<std::string> black_box;  ///< transferred, or by queries alone
  /// Accuracy by which attacks that know less may do better before it is a finding.
  double slack = 0.01;
};

struct Board {
  std::string name;
  int64_t version = 0;
  std::string title, description;
  Division division = Division::kDeterministic;
  AuditItems audit;
  Toml fixed;          ///< the keys of a suite: data, seeds, threat, scoring, attack, certify
  std::string sha256;  ///< of the file, byte by byte
  std::filesystem::path file;

  std::string id() const { return name + "@" + std::to_string(version); }
  /// Whether a suite's attack of this name (as [attack.NAME] writes it) is the board's own.
  bool has_attack(const std::string& name) const;
};

/// Throws BadInput: what is wrong with the definition, with line and column.
Board read_board(const std::filesystem::path& file);

/// Folders of boards: those of GAUNTLET_BOARDS (colon-separated), then suites/boards of the source
/// tree or of the installation.
std::vector<std::filesystem::path> board_search_path();
/// All boards of the search path; of those with one id, the first.
std::vector<Board> known_boards();
/// "cifar10-linf@1". Throws BadInput for one that is not there, naming the nearest that is.
Board find_board(const std::string& id);

}  // namespace gauntlet
