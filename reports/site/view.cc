// Parts of the boards' pages that several of them share.
#include "reports/site/view.h"

#include <algorithm>
#include <cctype>
#include <cmath>

#include "boards/audit.h"
#include "reports/text/free_text.h"
#include "reports/text/text.h"
#include "results/leaf.h"

namespace gauntlet::reports::site {
namespace {

boards::BoardRules rules_of(const BoardDefinition* definition) {
  if (!definition) return {};
  boards::BoardRules rules{definition->sha256, definition->attacks};
  for (std::string& attack : rules.attacks) attack = shortened(attack, kLongestName);  // as entries
  return rules;
}

std::string toml_key(const std::string& key) {
  const bool bare = !key.empty() && std::all_of(key.begin(), key.end(), [](unsigned char c) {
    return std::isalnum(c) || c == '_' || c == '-';
  });
  return bare ? key : page::View(key).dump(-1, ' ', false, page::View::error_handler_t::replace);
}

/// Nothing was chosen: null, or what the plugin takes by itself.
bool is_unsaid(const page::View& leaf) {
  if (leaf.is_null()) return true;
  if (!results::is_chosen(leaf)) return false;
  return leaf["value"].is_null() || (leaf.contains("default") && leaf["default"] == leaf["value"]);
}

/// A JSON value as TOML writes it. {"value": v, "default": d} is v; {"use": name, "params": {…}} an
/// inline table as suites have it.
std::string toml_text(const page::View& value) {
  if (value.is_array()) {
    std::string text;
    for (const page::View& item : value) text += (text.empty() ? "" : ", ") + toml_text(item);
    return "[" + text + "]";
  }
  if (!value.is_object()) return value.dump(-1, ' ', false, page::View::error_handler_t::replace);
  if (results::is_chosen(value)) return toml_text(results::value_of(value));
  std::string text;
  const auto add = [&](const std::string& key, const page::View& item) {
    if (!is_unsaid(item))
      text += (text.empty() ? "" : ", ") + toml_key(key) + " = " + toml_text(item);
  };
  if (value.contains("use")) add("use", value["use"]);  // first, as people write it
  for (const auto& [key, item] : value.items()) {
    if (key == "params" && item.is_object())
      for (const auto& [name, leaf] : item.items()) add(name, leaf);
    else if (key != "use")
      add(key, item);
  }
  return "{ " + text + " }";
}

}  // namespace

RankedBoard::RankedBoard(BoardName board, const BoardDefinition* its_definition,
                         std::vector<boards::BoardEntry> its_entries)
    : name(std::move(board)), definition(its_definition), entries(std::move(its_entries)) {
  rankings = rankings_of(entries, rules_of(definition));
  for (const boards::BoardEntry& entry : entries) audits.push_back(boards::audits_of(entry));
}

std::string RankedBoard::title() const {
  return definition && !definition->title.empty() ? definition->title : id();
}

Division RankedBoard::division() const {
  if (definition) return definition->division;
  return entries.empty() ? Division::kDeterministic : entries.front().division;
}

std::string title_of(const boards::Ranking& ranking) {
  return ranking.certified ? "certified, L2 radius " + epsilon_text(ranking.threat.epsilon)
                           : reports::title_of(ranking.threat);
}

std::string measure_of(const boards::Ranking& ranking) {
  return ranking.certified ? "certified accuracy" : "robust accuracy";
}

page::View bar_of(double accuracy, const results::Interval& interval) {
  return {{"number", percent(accuracy)},
          {"value", exact(accuracy)},
          {"low", percent(interval.low)},
          {"width", percent(std::max(0.0, interval.high - interval.low))},
          {"interval", page::interval_text(interval)}};
}

page::View attack_cell_of(const boards::BoardThreat& threat, const boards::BoardAttack& attack) {
  double accuracy = 0;
  int64_t fewest = 0;
  page::View cell = {{"ok", true},  {"state", "ok"}, {"value", ""},         {"number", ""},
                     {"badge", ""}, {"fewer", ""},   {"hint", attack.name}, {"flagged", false}};
  for (const boards::BoardAttack::Cell& each : attack.cells) {
    const results::CellRecord& record = each.record;
    if (record.status != results::Status::kOk) {
      cell["ok"] = false;
      cell["state"] = cell["badge"] = to_string(record.status);
      cell["hint"] = attack.name + ", " + to_string(record.status) + ": " + record.reason;
      return cell;
    }
    accuracy += record.robust_accuracy / double(attack.cells.size());
    fewest = fewest == 0 ? record.samples : std::min(fewest, record.samples);
    if (!record.flags.empty()) cell["flagged"] = true;
  }
  int64_t most = 0;
  for (const boards::BoardAttack& other : threat.attacks)
    for (const boards::BoardAttack::Cell& each : other.cells)
      most = std::max(most, int64_t(each.record.outcomes.size()));
  cell["value"] = exact(accuracy), cell["number"] = percent(accuracy);
  if (fewest < most) cell["fewer"] = "of " + grouped(fewest);
  cell["hint"] = attack.name + ": " + percent(accuracy) + " % right of " + counted(fewest, "image");
  return cell;
}

std::string places_text(const boards::BoardPlace& place) {
  if (!place.ranked()) return "";
  return std::to_string(place.rank) +
         (place.last > place.rank ? " to " + std::to_string(place.last) : "");
}

std::vector<std::string> findings_of(const boards::BoardEntry& entry,
                                     const boards::BoardThreat* threat) {
  std::vector<std::string> out = entry.findings;
  for (const boards::BoardThreat& each : entry.threats) {
    if (threat && threat != &each) continue;
    for (const boards::BoardAttack& attack : each.attacks)
      for (const boards::BoardAttack::Cell& cell : attack.cells)
        for (const std::string& flag : sentences(cell.record.flags)) {
          const std::string text = attack.name + " under " + each.threat.name + ": " + flag;
          if (std::find(out.begin(), out.end(), text) == out.end()) out.push_back(text);
        }
  }
  return out;
}

std::vector<std::string> findings_of(const boards::BoardPlace& place) {
  std::vector<std::string> out = place.entry->findings;
  if (!place.threat) return out;
  for (const boards::BoardAttack& attack : place.threat->attacks) {
    if (!place.score.decided_by.contains(attack.name)) continue;
    for (const boards::BoardAttack::Cell& cell : attack.cells)
      for (const std::string& flag : sentences(cell.record.flags))
        out.push_back(attack.name + ": " + flag);
  }
  return out;
}

const results::Check* worst_check_of(const RankedBoard& board, const boards::BoardEntry& entry,
                                     const boards::BoardThreat* threat) {
  const results::Check* worst = nullptr;
  for (const results::RowAudit& row : board.audits_of(entry)) {
    if (threat && !(row.threat == threat->threat)) continue;
    for (const results::Check& check : row.checks)
      if (!worst || check.level > worst->level) worst = &check;
  }
  return worst;
}

double passes_an_answer(const boards::BoardThreat* threat) {
  double fewest = INFINITY;
  if (threat)
    for (const boards::BoardAttack& attack : threat->attacks)
      for (const boards::BoardAttack::Cell& cell : attack.cells) {
        const results::CellRecord& record = cell.record;
        if (record.status != results::Status::kOk || record.samples == 0 || attack.additional)
          continue;
        fewest = std::min(fewest, double(record.ledger.scoring_forwards) / double(record.samples) /
                                      double(record.trials));
      }
  return std::isfinite(fewest) ? fewest : NAN;
}

page::View overturned_of(const boards::BoardThreat& threat) {
  const boards::BoardScore all = score_of(threat),
                           own = score_of(threat, /*with_additional=*/false);
  if (!all.problem.empty() || !own.problem.empty() || !(all.accuracy < own.accuracy)) return {};
  std::string by;
  for (const boards::BoardAttack& attack : threat.attacks)
    if (attack.additional && all.decided_by.contains(attack.name))
      by += (by.empty() ? "" : ", ") + attack.name;
  return {{"by", by}, {"from", percent(own.accuracy)}, {"to", percent(all.accuracy)}};
}

std::string suite_text(const boards::BoardEntry& entry) {
  const auto quoted = [](const std::string& text) { return toml_text(page::View(text)); };
  std::string text = "schema = 1\nname = " + quoted(entry.id) +
                     "\nboard = " + quoted(to_string(entry.board)) +
                     "\n\n[[defense]]\nname = " + quoted(entry.defense) +
                     "\nmodel = " + quoted(entry.model) + "\n";
  const page::View parameters = object_of(entry.parameters);
  if (parameters.contains("stack") && parameters["stack"].is_array() &&
      !parameters["stack"].empty())
    text += "stack = " + toml_text(parameters["stack"]) + "\n";
  return text;
}

}  // namespace gauntlet::reports::site
