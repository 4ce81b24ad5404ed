// Words of boards that suites and results share.
#pragma once
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/names.h"

namespace gauntlet {

/// Of defenses that answer one input always the same; whose answers are drawn; that certify.
enum class Division { kDeterministic, kRandomized, kCertified };
inline constexpr Name<Division> kDivisions[] = {{"deterministic", Division::kDeterministic},
                                                {"randomized", Division::kRandomized},
                                                {"certified", Division::kCertified}};
std::string to_string(Division division);
/// Chance of failing that a certificate may have on a board, that of Cohen et al. 2019.
constexpr double kMostAlpha = 0.001;
/// Of "deterministic", "randomized" or "certified". Throws std::invalid_argument.
Division division_from_string(const std::string& name);

/// "cifar10-linf-randomized@1". The name is 1 to 64 of a-z, 0-9 and '-', so that it can be a
/// folder.
struct BoardName {
  std::string name;
  std::int64_t version = 1;  ///< from 1 on
  auto operator<=>(const BoardName&) const = default;
};
std::string to_string(const BoardName& board);
/// Throws std::invalid_argument for what is no board's name.
BoardName board_name_from_string(const std::string& text);
/// The highest version of the board that is called so; nothing where none is.
std::optional<BoardName> newest_version(const std::vector<BoardName>& boards,
                                        const std::string& name);

/// What the evidence behind an entry is held against. Names are of the board's attacks, as its file
/// writes them.
struct AuditItems {
  std::vector<std::string> control;    ///< perturbations without an attacker
  std::vector<std::string> white_box;  ///< follow the defense's gradients
  std::vector<std::string> black_box;  ///< transferred, or by queries alone
  /// Accuracy by which attacks that know less may do better, and share of images that a gradient
  /// attack may leave as they are, before it is a finding.
  double slack = 0.01;
};

/// Whether a column is of [attack.ENTRY] in a board's file: `cross` and `zip` make several of one,
/// ENTRY[steps=5].
bool is_column_of(const std::string& column, const std::string& entry);

constexpr std::size_t kLongestFileName = 64;
/// Whether a text is 1 to 64 of a-z, 0-9 and '-' that do not begin with '-': names of boards and
/// entries, which are folders, files and parts of links.
bool is_file_name(const std::string& text);

}  // namespace gauntlet
