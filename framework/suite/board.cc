#include "suite/board.h"

#include <algorithm>

#include "base/bad_input.h"
#include "base/nearest_name.h"
#include "base/sha256.h"
#include "base/shown.h"
#include "registry/search_path.h"
#include "suite/text/expand.h"

namespace gauntlet::suite {
namespace {
namespace fs = std::filesystem;

// Attacks that an audit item names; each is the board's.
std::vector<std::string> read_names(toml::TableReader& audit, const std::string& key,
                                    const Board& board, toml::Problems& problems) {
  std::vector<std::string> names;
  if (!audit.require(key, names)) return names;
  std::vector<std::string> known;
  if (const toml::Toml* attacks = board.fixed.find("attack");
      attacks && attacks->get<toml::Toml::Table>())
    for (const auto& attack : *attacks->get<toml::Toml::Table>()) known.push_back(attack.key);
  for (const std::string& name : names)
    if (!board.has_attack(name))
      problems.add(audit.at(key), "audit: " + key + ": the board has no attack '" + name + "'" +
                                      suggestion(name, known));
  return names;
}

AuditItems read_audit(const toml::Toml& table, const Board& board, toml::Problems& problems) {
  toml::TableReader reader(table, "audit", problems);
  AuditItems items;
  items.control = read_names(reader, "control", board, problems);
  items.white_box = read_names(reader, "white_box", board, problems);
  items.black_box = read_names(reader, "black_box", board, problems);
  if (reader.has("white_box") && items.white_box.empty())
    reader.problem("white_box", "is empty, expected an attack that follows gradients");
  reader.read("slack", items.slack, Range{0, 1});
  reader.finish();
  return items;
}

// What a definition fixes is in its file, whose sum entries name: no preset, which may change.
void refuse_presets(const toml::Toml& attacks, toml::Problems& problems) {
  for (const auto& attack : *attacks.get<toml::Toml::Table>()) {
    const toml::Toml* base = attack.value.find("base");
    const toml::Toml* named = attack.value.get<std::string>() ? &attack.value : base;
    const auto* name = named ? named->get<std::string>() : nullptr;
    if (name && (named != base || !attacks.find(*name)))
      problems.add(named->position, "the board: attack '" + attack.key + "': '" + *name +
                                        "' is none of its attacks; presets are copied into a "
                                        "definition");
  }
}

// What a suite would say; its values are checked where a suite of the board is read.
toml::Toml read_fixed(toml::TableReader& reader, Division division, toml::Problems& problems) {
  toml::Toml fixed{toml::Toml::Table{}, reader.at("schema")};
  const auto take = [&](const char* key, const toml::Toml* value) {
    if (value) fixed.set({key, value->position, *value});
  };
  const toml::Toml* data = reader.table("data");
  if (!data) reader.missing("data", "a table such as { dataset = \"cifar10\", samples = 1000 }");
  if (data && data->find("path"))
    reader.problem("data", "'path' is a file of one's own, expected a data set of the registry");
  take("data", data);
  if (!reader.has("seeds")) reader.missing("seeds", "a list such as [0]");
  take("seeds", reader.list("seeds"));
  if (!reader.has("threat")) reader.missing("threat", "a table such as threat.linf = { … }");
  take("threat", reader.table("threat"));
  take("scoring", reader.table("scoring"));
  if (!reader.has("attack")) reader.missing("attack", "a table such as attack.pgd = { … }");
  const toml::Toml* attacks = reader.table("attack");
  if (attacks) refuse_presets(*attacks, problems);
  take("attack", attacks);
  const toml::Toml* certify = reader.any("certify");
  if (certify && division != Division::kCertified)
    reader.problem("certify", "is for the division certified");
  if (!certify && division == Division::kCertified)
    reader.missing("certify", "true, or a table such as { samples = 500 }");
  take("certify", certify);
  return fixed;
}

// FILE.toml is the board FILE; FILE@2.toml its version 2, so that versions may lie beside each
// other.
std::string name_of(const fs::path& file) {
  const std::string stem = file.stem().string();
  return stem.substr(0, stem.find('@'));
}

void check_file_name(const Board& board, const toml::TableReader& reader,
                     toml::Problems& problems) {
  if (!is_file_name(board.name.name)) {
    problems.add({board.file.string()}, "the board: its file is called " + shown(board.name.name) +
                                            ", expected 1 to 64 of a-z, 0-9 and '-'");
    return;
  }
  const std::string stem = board.file.stem().string();
  if (stem.find('@') != std::string::npos && stem != board.id())
    problems.add(reader.at("version"), "the board: version: is " +
                                           std::to_string(board.name.version) +
                                           ", its file is called " + shown(stem));
}

std::vector<Board>::const_iterator find_id(const std::vector<Board>& boards,
                                           const std::string& id) {
  return std::find_if(boards.begin(), boards.end(),
                      [&](const Board& board) { return board.id() == id; });
}
}  // namespace

bool Board::has_attack(const std::string& name) const {
  const toml::Toml* attacks = fixed.find("attack");
  return attacks && attacks->find(name);
}

Board read_board(const fs::path& file) {
  const toml::Toml text = toml::read_toml(file);
  toml::Problems problems;
  toml::TableReader reader(text, "the board", problems);
  Board board;
  board.file = file;
  board.name.name = name_of(file);
  board.sha256 = sha256_of_file(file);
  int64_t schema = 0;
  if (reader.require("schema", schema) && schema != 1)
    reader.problem("schema", std::to_string(schema) + " is not known, expected 1");
  if (reader.require("version", board.name.version, Range{1, 999'999}))
    check_file_name(board, reader, problems);
  reader.require("title", board.title);
  reader.read("description", board.description);
  reader.choose("division", board.division, kDivisions, true);
  board.fixed = read_fixed(reader, board.division, problems);
  if (const toml::Toml* audit = reader.table("audit"))
    board.audit = read_audit(*audit, board, problems);
  if (!reader.has("audit")) reader.missing("audit", "a table that names control, white_box, …");
  reader.finish();
  problems.throw_if_any();
  return board;
}

std::vector<Board> boards_in(const fs::path& folder) {
  if (!fs::is_directory(folder))
    throw BadInput(folder.string() + ": no such folder, expected one with definitions of boards");
  std::vector<fs::path> files;
  for (const auto& item : fs::directory_iterator(folder))
    if (item.is_regular_file() && item.path().extension() == ".toml") files.push_back(item.path());
  std::sort(files.begin(), files.end());
  std::vector<Board> out;
  for (const fs::path& file : files) {
    Board board = read_board(file);
    if (const auto same = find_id(out, board.id()); same != out.end())
      throw BadInput(file.string() + ": is board '" + board.id() + "', as " +
                     same->file.filename().string() + " beside it is");
    out.push_back(std::move(board));
  }
  return out;
}

std::vector<Board> known_boards() {
  std::vector<Board> out;
  for (const fs::path& folder : board_search_path())
    if (fs::is_directory(folder))
      for (Board& board : boards_in(folder))
        if (find_id(out, board.id()) == out.end()) out.push_back(std::move(board));
  return out;
}

Board find_board(const std::string& id) {
  std::vector<std::string> ids;
  std::vector<BoardName> names;
  for (Board& board : known_boards()) {
    if (board.id() == id) return std::move(board);
    ids.push_back(board.id());
    names.push_back(board.name);
  }
  const auto newest = newest_version(names, id.substr(0, id.find('@')));
  std::string where;
  for (const fs::path& folder : board_search_path())
    where += (where.empty() ? "" : ", ") + folder.string();
  throw BadInput("there is no board '" + id + "'" +
                 (newest        ? ", did you mean '" + to_string(*newest) + "'?"
                  : ids.empty() ? "; " + where + " holds none"
                                : suggestion(id, ids)));
}

std::vector<std::filesystem::path> board_search_path() {
  return registry::shipped_search_path("GAUNTLET_BOARDS", "suites/boards");
}

}  // namespace gauntlet::suite
