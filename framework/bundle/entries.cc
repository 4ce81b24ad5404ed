#include "bundle/entries.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/sha256.h"
#include "boards/audit.h"
#include "boards/scores.h"
#include "evaluation/bounds.h"
#include "results/artifacts.h"
#include "results/outcomes.h"
#include "results/settings.h"

namespace gauntlet::bundle {
namespace {
using nlohmann::json;

// The seeds, threats, rows and columns that a run named.
struct Grid {
  explicit Grid(const results::Settings& settings) : data(settings.data) {
    for (const results::Settings::Row& row : settings.defenses) defenses.push_back(row.name);
    for (const results::Settings::Column& column : settings.attacks)
      (column.additional ? further : own).push_back(column.name);
  }
  results::Settings::Data data;
  std::vector<std::string> defenses, own, further;
};

const results::CellRecord* find_cell(const results::Store::Run& run, const std::string& defense,
                                     const std::string& attack, const std::string& threat,
                                     int64_t seed) {
  for (const results::CellRecord& cell : run.cells)
    if (cell.defense == defense && cell.attack == attack && cell.threat.name == threat &&
        cell.seed == seed)
      return &cell;
  return nullptr;
}

const results::Certification* find_certification(const results::Store::Run& run,
                                                 const std::string& defense, int64_t seed) {
  for (const results::Certification& record : run.certifications)
    if (record.defense == defense && record.seed == seed) return &record;
  return nullptr;
}

std::string label(const std::string& defense, const std::string& attack, const std::string& threat,
                  int64_t seed) {
  return fmt::format("{} × {} × {} × seed {}", defense, attack, threat, seed);
}

std::string cell_problem(const results::CellRecord* cell, const std::filesystem::path& artifacts) {
  if (!cell) return "has no result";
  if (cell->status != results::Status::kOk)
    return fmt::format("is {} ({})", to_string(cell->status), cell->reason);
  const std::string problem =
      results::artifact_problem(artifacts / cell->x_adv, cell->x_adv_sha256);
  return problem.empty() ? "" : "has lost its adversarial inputs: " + problem;
}

json object_of(const std::string& text) {
  return text.empty() ? json::object() : json::parse(text);
}

class EntryMaker {
 public:
  EntryMaker(const results::RunRecords& records, const suite::Suite& columns,
             const std::filesystem::path& artifacts)
      : records_(records),
        columns_(columns),
        grid_(results::settings_of(records.run.settings)),
        artifacts_(artifacts) {}

  boards::BoardEntry entry(const std::string& defense) {
    const suite::Board& board = *columns_.board;
    boards::BoardEntry out;
    out.board = board.name, out.board_sha256 = board.sha256, out.division = board.division;
    out.defense = defense, out.id = boards::entry_id(defense);
    out.seeds = columns_.seeds;
    for (const suite::ThreatSpec& threat : columns_.threats)
      out.threats.push_back(under(threat, defense));
    describe(out, defense);
    for (const int64_t seed : columns_.seeds)
      if (const results::Certification* record = find_certification(records_.run, defense, seed))
        out.certifications.push_back(stripped(*record));
    // As it will be read: margins and distances are rounded where entries are written.
    boards::BoardEntry read = boards::board_entry_from_json(to_json(out), defense);
    for (boards::BoardThreat& threat : read.threats)
      for (boards::BoardAttack& attack : threat.attacks)
        for (boards::BoardAttack::Cell& cell : attack.cells) summarise(cell.record);
    claim(read);
    read.findings = audit(read, board.audit);
    return read;
  }

 private:
  boards::BoardThreat under(const suite::ThreatSpec& spec, const std::string& defense) {
    boards::BoardThreat out;
    out.threat = evaluation::threat_of(spec);
    for (const auto* names : {&grid_.own, &grid_.further})
      for (const std::string& name : *names) {
        boards::BoardAttack attack;
        attack.name = name, attack.additional = names == &grid_.further;
        for (const int64_t seed : columns_.seeds)
          add(attack, *find_cell(records_.run, defense, name, spec.name, seed));
        out.attacks.push_back(std::move(attack));
      }
    return out;
  }

  void add(boards::BoardAttack& attack, const results::CellRecord& record) {
    json parameters = object_of(record.parameters);
    for (const char* told_by_entry : {"defense", "data"}) parameters.erase(told_by_entry);
    attack.plugin = parameters.at("attack").at("plugin");
    // A path of this machine says nothing to others.
    json& params = parameters["attack"]["params"];
    if (attack.plugin == "external" && params.contains("file")) {
      json& file = params["file"]["value"];
      file = std::filesystem::path(file.get<std::string>()).filename().string();
    }
    attack.parameters = parameters.dump();
    boards::BoardAttack::Cell cell;
    cell.record = record;
    cell.record.outcomes = records_.outcomes(record);
    results::CellRecord& own = cell.record;
    for (std::string* said : {&own.suite, &own.defense, &own.attack, &own.dataset, &own.split,
                              &own.parameters, &own.environment, &own.x_adv, &own.x_adv_sha256})
      said->clear();
    own.threat = {};
    cell.x_adv_sha256 = sha256_of_file(artifacts_ / record.x_adv);
    attack.cells.push_back(std::move(cell));
  }

  static results::Certification stripped(results::Certification record) {
    for (std::string* said : {&record.suite, &record.defense, &record.dataset, &record.split,
                              &record.parameters, &record.environment})
      said->clear();
    return record;
  }

  // What holds for all cells of the row.
  void describe(boards::BoardEntry& out, const std::string& defense) {
    json environment, plugins = json::object();
    out.dataset_sha256 = grid_.data.sha256;
    out.class_names = columns_.data.entry.class_names;
    out.samples = columns_.data.indices;
    for (const results::CellRecord& cell : records_.run.cells) {
      if (cell.defense != defense) continue;
      const json own = object_of(cell.parameters).at("defense");
      out.parameters = own.dump();
      out.model = own.at("model"), out.weights_sha256 = own.at("weights_sha256");
      out.dataset = cell.dataset, out.split = cell.split;
      out.finished = std::max(out.finished, cell.finished);
      environment = object_of(cell.environment);
      plugins.update(environment.value("plugins", json::object()));
    }
    environment["plugins"] = plugins;
    out.environment = environment.dump();
  }

  const results::RunRecords& records_;
  const suite::Suite& columns_;
  const Grid grid_;
  const std::filesystem::path& artifacts_;
};
}  // namespace

std::vector<std::string> missing_of(const results::Store::Run& run, const suite::Suite& columns,
                                    const std::filesystem::path& artifacts) {
  std::vector<std::string> out;
  const Grid grid(results::settings_of(run.settings));
  if (!run.complete) out.emplace_back("the run was stopped before its end");
  for (const suite::AttackSpec& attack : columns.attacks)
    if (std::count(grid.own.begin(), grid.own.end(), attack.name) == 0)
      out.push_back("the board's attack '" + attack.name + "' was left out");
  for (const std::string& defense : grid.defenses)
    for (const suite::ThreatSpec& threat : columns.threats)
      for (const int64_t seed : columns.seeds)
        for (const auto* names : {&grid.own, &grid.further})
          for (const std::string& attack : *names)
            if (const std::string why =
                    cell_problem(find_cell(run, defense, attack, threat.name, seed), artifacts);
                !why.empty())
              out.push_back(label(defense, attack, threat.name, seed) + " " + why);
  for (const std::string& defense : grid.defenses)
    for (const int64_t seed : columns.seeds)
      if (const results::Certification* record = find_certification(run, defense, seed);
          columns.certify && (!record || record->status != results::Status::kOk))
        out.push_back(
            fmt::format("{}, certified × seed {} {}", defense, seed,
                        record ? "is " + to_string(record->status) + " (" + record->reason + ")"
                               : "has no result"));
  return out;
}

std::vector<boards::BoardEntry> entries_of(const results::RunRecords& records,
                                           const suite::Suite& columns,
                                           const boards::BoardAuthors& about,
                                           const std::filesystem::path& artifacts) {
  EntryMaker maker(records, columns, artifacts);
  std::vector<boards::BoardEntry> out;
  for (const results::Settings::Row& row : results::settings_of(records.run.settings).defenses) {
    out.push_back(maker.entry(row.name));
    out.back().about = about;
  }
  return out;
}

}  // namespace gauntlet::bundle
