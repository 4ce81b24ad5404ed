// What is claimed of one defense on one board: a file registry/results/<board>/<entry>.json.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/board_terms.h"
#include "results/record.h"

namespace gauntlet::boards {

constexpr int64_t kBoardEntrySchema = 1;

/// How far a bundle was verified.
enum class Verified {
  kNot,
  kTables,  ///< every claim recomputed from the outcomes
  kModel    ///< outcomes too, from the adversarial inputs and the model
};
std::string to_string(Verified verified);  ///< "not", "tables", "model"

/// Free text of who entered it, "" where nothing was said.
struct BoardAuthors {
  std::string authors, contact, link, description, bibtex;
};

/// One attack on the entry under one threat.
struct BoardAttack {
  std::string name;         ///< column
  std::string plugin;       ///< "external" where others brought the adversarial inputs
  std::string parameters;   ///< JSON object as CellRecord::parameters, without its "defense"
  bool additional = false;  ///< beyond the board's own attacks
  std::string source;       ///< of an additional one: who made it, a link; may be ""

  /// Under one evaluation seed.
  struct Cell {
    /// As the store has it. Empty are what the entry says for all its cells: suite, defense,
    /// attack, dataset, split, threat, parameters, environment and x_adv.
    results::CellRecord record;
    std::string x_adv_sha256;  ///< of the file of adversarial inputs; "" where there is none
  };
  std::vector<Cell> cells;  ///< one a seed, in the order of BoardEntry::seeds
};

struct BoardThreat {
  results::Threat threat;
  /// Claims: boards/scores.h says what each is.
  double clean_accuracy = 0, robust_accuracy = 0;
  results::Interval interval;  ///< of robust_accuracy
  bool complete = false;       ///< every attack of the board has a result under every seed
  /// Of random defenses: the worst attack of each image judged again on fresh draws, as the run's
  /// worst case has it; mean over seeds.
  std::optional<double> rescored_accuracy;
  std::vector<BoardAttack> attacks;
};

/// Claim of a certified entry.
struct CertifiedAt {
  double radius = 0;    ///< L2
  double accuracy = 0;  ///< share answered right with a larger certified radius, mean over seeds
  results::Interval interval;
};

struct BoardEntry {
  BoardName board;
  std::string board_sha256;  ///< of the board's definition
  std::string id;            ///< entry_id(defense) unless chosen: names the file, once in its board
  std::string defense;       ///< any text
  BoardAuthors about;
  Division division = Division::kDeterministic;
  std::string parameters;  ///< JSON object: the "defense" of CellRecord::parameters
  std::string model, weights_sha256;
  std::string dataset, split, dataset_sha256;
  std::vector<int64_t> samples;          ///< indices in the split
  std::vector<std::string> class_names;  ///< may be empty
  std::vector<int64_t> seeds;            ///< of evaluation
  std::vector<BoardThreat> threats;
  std::vector<CertifiedAt> certified_at;  ///< radii ascending
  /// One a seed; suite, defense, dataset, split, parameters and environment are empty.
  std::vector<results::Certification> certifications;
  std::vector<std::string> findings;  ///< of the audit
  std::string environment;            ///< JSON object as in CellRecord
  std::string finished;               ///< UTC, ISO 8601
  std::string bundle_sha256;          ///< "" inside the bundle itself
  Verified verified = Verified::kNot;
  std::string verified_when;  ///< UTC, ISO 8601; "" if not
};

/// What an entry is called in file names and links: of a-z, 0-9 and '-', at most 64, and another
/// one for every name.
std::string entry_id(const std::string& defense);
/// "<board>/<id>.json": where an entry belongs below registry/results/.
std::filesystem::path entry_path(const BoardEntry& entry);

/// JSON text; the same bytes for the same entry. Margins and distances keep six significant digits.
/// Throws std::invalid_argument where a text that must be a JSON object is none.
std::string to_json(const BoardEntry& entry);
/// Throws BadInput, one sentence that begins with `name`: where, what is there, what was expected.
BoardEntry board_entry_from_json(std::string_view text, const std::string& name);
/// The same of a file, which must be called <id>.json.
BoardEntry read_board_entry(const std::filesystem::path& file);

}  // namespace gauntlet::boards
