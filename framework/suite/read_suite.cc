#include "suite/read_suite.h"

#include <algorithm>
#include <set>

#include "base/nearest_name.h"
#include "suite/on_board.h"
#include "suite/only.h"
#include "suite/sections/sections.h"
#include "suite/text/presets.h"
#include "suite/text/recommended.h"
#include "suite/text/source.h"

namespace gauntlet::suite {
namespace {

void check_name(toml::TableReader& reader, const std::string& name) {
  if (name.empty() || name.front() == '.' || name.find('/') != std::string::npos)
    reader.problem("name", "'" + name + "' cannot name a folder of results, expected a word");
}

void check_seeds(toml::TableReader& reader, const std::vector<int64_t>& seeds) {
  if (seeds.empty()) reader.problem("seeds", "is empty, expected at least one");
  for (size_t i = 0; i < seeds.size(); ++i)
    if (std::count(seeds.begin(), seeds.begin() + int64_t(i), seeds[i])) {
      reader.problem("seeds", std::to_string(seeds[i]) + " is listed twice");
      return;
    }
}

// The head of a suite: everything but what it crosses.
void read_head(toml::TableReader& reader, Suite& suite) {
  int64_t schema = 0;
  if (reader.require("schema", schema) && schema != 1)
    reader.problem("schema", std::to_string(schema) + " is not known, expected 1");
  if (reader.require("name", suite.name)) check_name(reader, suite.name);
  if (reader.any("include"))  // a file's own is gone by now
    reader.problem("include", "cannot be set on the command line");
}

// What every cell of the grid shares, and its columns.
void read_columns(toml::TableReader& reader, Suite& suite, SuiteContext& context) {
  suite.seeds = {0};
  if (reader.read("seeds", suite.seeds, Range{0, 9007199254740992.0}))
    check_seeds(reader, suite.seeds);
  if (const toml::Toml* scoring = reader.table("scoring"))
    suite.scoring = read_scoring(*scoring, context);
  std::optional<DataSpec> data;
  if (const toml::Toml* table = reader.table("data")) data = read_data(*table, context);
  if (!reader.has("data"))
    reader.missing("data", "a table such as { dataset = \"cifar10\", samples = 1000 }");
  if (data) {
    suite.data = *data;
    context.plugins.set_data(&suite.data.entry);
    context.shape = suite.data.entry.shape;
  }
  if (const toml::Toml* threats = reader.table("threat"))
    suite.threats = read_threats(*threats, context);
  context.threats = suite.threats;
  if (!reader.has("threat"))
    reader.missing("threat",
                   "a table such as threat.linf8 = { norm = \"linf\", epsilon = \"8/255\" }");
  const toml::Toml* attacks = reader.any("attack");
  if (const auto* word = attacks ? attacks->get<std::string>() : nullptr) {
    const std::string near = nearest_name(*word, {"recommended", "all"});
    reader.problem("attack", to_text(ParamValue(*word)) +
                                 " is not a table; a word is \"recommended\" or \"all\"" +
                                 (near.empty() ? "" : ", did you mean '" + near + "'?"));
  } else if (reader.table("attack")) {
    suite.attacks = read_attacks(*attacks, data ? int64_t(data->indices.size()) : 0, context);
  }
  if (!reader.has("attack"))
    reader.missing("attack", "a table such as attack.pgd = { use = \"pgd\", steps = 20 }");
}

void read_rows(toml::TableReader& reader, Suite& suite, SuiteContext& context) {
  const size_t before = context.problems.size();
  if (const toml::Toml* rows = reader.any("defense"); rows && rows->get<toml::Toml::Table>()) {
    reader.problem("defense", "is a table, expected a list of rows: each begins with [[defense]]");
  } else if (const toml::Toml* list = reader.list("defense")) {
    suite.defenses = read_defenses(*list, context);
  }
  if (!reader.has("defense")) reader.missing("defense", "rows that begin with [[defense]]");
  if (const toml::Toml* audit = reader.table("audit"))
    suite.audit = read_audit_keys(*audit, int64_t(suite.data.indices.size()), context);
  const bool rows_are_right = context.problems.size() == before;
  const auto& all = suite.defenses;
  const bool any =
      std::any_of(all.begin(), all.end(), [&](auto& row) { return certifies(row, context); });
  if (const toml::Toml* certify = reader.any("certify")) {
    suite.certify = read_certify(*certify, int64_t(suite.data.indices.size()), context);
    // Of rows with a mistake nothing is known.
    if (suite.certify && rows_are_right && !any)
      reader.problem("certify",
                     "no defense gives certificates, expected a row with a certifier such as "
                     "randomized_smoothing in its stack");
  } else if (context.recommended && any) {
    suite.certify = CertifySpec{};  // beside attacks, what such a row claims
  }
}

std::vector<Cell> all_cells(const Suite& suite) {
  std::vector<Cell> cells;
  for (const int64_t seed : suite.seeds)
    for (size_t t = 0; t < suite.threats.size(); ++t)
      for (size_t d = 0; d < suite.defenses.size(); ++d)
        for (size_t a = 0; a < suite.attacks.size(); ++a) cells.push_back({d, a, t, seed});
  return cells;
}

std::vector<CertifiedRow> all_certified(const Suite& suite, const SuiteContext& context) {
  std::vector<CertifiedRow> out;
  for (const int64_t seed : suite.seeds)
    for (size_t d = 0; d < suite.defenses.size(); ++d)
      if (suite.certify && certifies(suite.defenses[d], context)) out.push_back({d, seed});
  return out;
}

// A board's row is looked up by whoever verifies it, which a file of one's own cannot be.
void check_board_rows(const Suite& suite, toml::Problems& problems) {
  for (const DefenseSpec& row : suite.defenses)
    if (row.model.id.starts_with("inline:"))
      problems.add({suite.board->file.string()},
                   "defense '" + row.name + "': " + row.model.id +
                       " is a model of the suite's own; on a board expected one of the registry");
}

// Who errs without an attack errs under it, in every table of a board; what makes wrong answers
// right measures something else.
void check_board_attacks(const Suite& suite, const toml::Position& position,
                         toml::Problems& problems) {
  for (const AttackSpec& attack : suite.attacks)
    if (attack.host.goal == Goal::kHypocritical)
      problems.add(position, "attack '" + attack.name +
                                 "': its goal is hypocritical; on a board expected untargeted or "
                                 "targeted");
}

// A published definition that is silent about saturation was measured without a retry, and stays
// so.
void keep_meaning(const Board& board, std::vector<AttackSpec>& attacks) {
  for (AttackSpec& attack : attacks)
    if (board.has_attack(attack.entry) && !attack.host.saturation)
      attack.host.saturation = Saturation::kReport;
}

// What --set says of single attacks and rows may be of presets.
toml::Toml complete_text(toml::Toml text, const std::vector<std::string>& set,
                         const library::PluginCatalogue& plugins,
                         const registry::Registry& registry, SuiteContext& context) {
  const auto write_out = [&] {
    const toml::Toml* attack = text.find("attack");
    context.recommended |= attack && is_recommended(*attack);
    text = with_presets(std::move(text), plugins, registry, context.problems, context.notes);
  };
  const auto is_inner = [](const std::string& assignment) {
    return assignment.starts_with("attack.") || assignment.starts_with("defense.");
  };
  for (const std::string& assignment : set) {
    if (is_inner(assignment)) write_out();
    apply_set(text, assignment, context.problems);
  }
  write_out();
  return text;
}
}  // namespace

Suite read_suite(const std::filesystem::path& file, const SuiteOptions& options,
                 const library::PluginCatalogue& plugins, const registry::Registry& registry) {
  toml::Problems problems;
  toml::Toml text = load_suite_text(file, problems);
  if (text.find("epochs") && !text.find("attack"))
    throw BadInput(file.string() +
                   ": is a recipe of training, expected a suite: 'gauntlet train' takes it");
  return read_suite(std::move(text), file.parent_path(), options, plugins, registry, problems);
}

Suite read_suite(toml::Toml text, const std::filesystem::path& folder, const SuiteOptions& options,
                 const library::PluginCatalogue& plugins, const registry::Registry& registry,
                 toml::Problems& problems) {
  Suite suite;
  suite.board = board_of(text);
  if (suite.board) {
    refuse_fixed(text, options.set, *suite.board, problems);
    problems.throw_if_any();
    text = on_board(std::move(text), *suite.board);
  }
  PluginChecker checker(plugins, registry, folder, problems);
  SuiteContext context{registry, checker, problems};
  text = complete_text(std::move(text), options.set, plugins, registry, context);
  toml::TableReader reader(text, "the suite", problems);
  reader.any("board");
  read_head(reader, suite);
  read_columns(reader, suite, context);
  read_rows(reader, suite, context);
  reader.finish();
  if (suite.board) {
    check_board_rows(suite, problems);
    check_board_attacks(suite, reader.at("attack"), problems);
    for (AttackSpec& attack : suite.attacks)
      attack.additional = !suite.board->has_attack(attack.entry);
    keep_meaning(*suite.board, suite.attacks);
  }
  // A filter is judged only where all names are known.
  if (problems.empty()) keep_only(suite, options.only, problems);
  problems.throw_if_any();
  suite.notes = std::move(context.notes);
  suite.cells = all_cells(suite);
  suite.certified = all_certified(suite, context);
  return suite;
}

Suite board_columns(const Board& board, const library::PluginCatalogue& plugins,
                    const registry::Registry& registry) {
  toml::Problems problems;
  PluginChecker checker(plugins, registry, board.file.parent_path(), problems);
  SuiteContext context{registry, checker, problems, /*needs_data=*/false};
  toml::TableReader reader(board.fixed, "board '" + board.id() + "'", problems);
  Suite suite;
  suite.board = board;
  read_columns(reader, suite, context);
  check_board_attacks(suite, reader.at("attack"), problems);
  keep_meaning(board, suite.attacks);
  if (const toml::Toml* certify = reader.any("certify"))
    suite.certify = read_certify(*certify, int64_t(suite.data.indices.size()), context);
  problems.throw_if_any();
  return suite;
}

Suite read_suite(const std::filesystem::path& file, const SuiteOptions& options,
                 const library::PluginLibrary& plugins, const registry::Registry& registry) {
  return read_suite(file, options, library::LibraryCatalogue(plugins), registry);
}

Suite board_columns(const Board& board, const library::PluginLibrary& plugins,
                    const registry::Registry& registry) {
  return board_columns(board, library::LibraryCatalogue(plugins), registry);
}

}  // namespace gauntlet::suite
