// The page of one board entry.
#include <algorithm>
#include <map>

#include "base/duration.h"
#include "reports/audits.h"
#include "reports/site/view.h"
#include "reports/text/free_text.h"
#include "reports/text/text.h"

namespace gauntlet::reports::site {
namespace {

page::View fact(const std::string& name, const std::string& value) {
  return {{"name", name}, {"value", value}, {"fallback", ""}, {"changed", false}};
}

void add_fact(page::View& facts, const std::string& name, const std::string& value) {
  if (!value.empty()) facts.push_back(fact(name, value));
}

const boards::BoardPlace* place_of(const boards::Ranking& ranking,
                                   const boards::BoardEntry& entry) {
  for (const boards::BoardPlace& place : ranking.places)
    if (place.entry == &entry) return &place;
  return nullptr;
}

page::View result_of(const RankedBoard& board, const boards::Ranking& ranking,
                     const boards::BoardPlace& place) {
  const size_t ranked = ranking.duels.size();
  page::View out = {{"question", title_of(ranking)},
                    {"measure", measure_of(ranking)},
                    {"ranked", place.ranked()},
                    {"rank", places_text(place)},
                    {"of", grouped(int64_t(ranked))},
                    {"problem", place.problem},
                    {"has_score", place.score.problem.empty()},
                    {"prefix", place.score.missing.empty() ? "" : "≤ "},
                    {"score", page::View::array()},
                    {"clean", ""},
                    {"rescored", ""},
                    {"flagged", ""},
                    {"failed", ""},
                    {"failure", ""},
                    {"overturned", page::View::array()}};
  if (!place.score.problem.empty()) return out;
  out["score"] = bar_of(place.score.accuracy, place.score.interval);
  out["clean"] = percent(place.score.clean_accuracy);
  if (const auto found = findings_of(place); !found.empty()) out["flagged"] = found.front();
  if (!place.threat) return out;
  const results::Check* check = worst_check_of(board, *place.entry, place.threat);
  if (check && check->level == results::Level::kFail)
    out["failed"] = word_of(check->level), out["failure"] = sentence(*check);
  if (place.threat->rescored_accuracy) out["rescored"] = percent(*place.threat->rescored_accuracy);
  if (const page::View overturned = overturned_of(*place.threat); !overturned.empty())
    out["overturned"] = page::View::array({overturned});
  return out;
}

/// Means over the cells with a result, an image.
struct AttackCost {
  double forwards = 0, backwards = 0, queries = 0, seconds = 0;
  int64_t cells = 0;

  explicit AttackCost(const boards::BoardAttack& attack) {
    for (const boards::BoardAttack::Cell& cell : attack.cells) {
      const results::CellRecord& r = cell.record;
      if (r.status != results::Status::kOk || r.samples == 0) continue;
      const auto n = double(r.samples);
      forwards += double(r.ledger.forwards) / n, backwards += double(r.ledger.backwards) / n;
      queries += double(r.ledger.queries) / n, seconds += r.seconds;
      ++cells;
    }
  }
  std::string each(double sum) const { return cells ? brief(sum / double(cells)) : ""; }
  std::string value(double sum) const { return cells ? exact(sum / double(cells)) : ""; }
};

std::string executed_text(const results::Ledger& ledger) {
  return grouped(ledger.executed_forwards) + " forward, " + grouped(ledger.executed_backwards) +
         " backward";
}

page::View seeds_of(const boards::BoardAttack& attack) {
  page::View seeds = page::View::array();
  for (const boards::BoardAttack::Cell& cell : attack.cells) {
    const results::CellRecord& r = cell.record;
    const bool ok = r.status == results::Status::kOk;
    page::View facts = page::View::array();
    add_fact(facts, "status", to_string(r.status) + (r.reason.empty() ? "" : ": " + r.reason));
    if (ok) {
      add_fact(facts, "robust accuracy",
               percent(r.robust_accuracy) + " % (" + page::interval_text(r.interval) + ")");
      add_fact(facts, "images, trials",
               grouped(r.samples) + ", " + grouped(r.trials) +
                   (r.stochastic ? " fresh draws of a random defense" : ""));
      add_fact(facts, "ties", r.ties ? grouped(r.ties) : "");
    }
    std::string flags;
    for (const std::string& flag : sentences(r.flags)) flags += (flags.empty() ? "" : "; ") + flag;
    add_fact(facts, "audit", flags);
    add_fact(facts, "passes executed, claimed", ok ? executed_text(r.ledger) : "");
    add_fact(facts, "scoring passes, claimed", ok ? grouped(r.ledger.scoring_forwards) : "");
    add_fact(facts, "time, claimed", ok ? duration(r.seconds) : "");
    add_fact(facts, "adversarial inputs, SHA-256", cell.x_adv_sha256);
    add_fact(facts, "identity", r.identity);
    add_fact(facts, "fingerprint", r.fingerprint);
    seeds.push_back({{"seed", std::to_string(r.seed)}, {"rows", facts}});
  }
  return seeds;
}

page::View attack_of(const boards::BoardThreat& threat, const boards::BoardAttack& attack,
                     const boards::BoardScore& score) {
  const AttackCost cost(attack);
  const auto decided = score.decided_by.find(attack.name);
  page::View out = {{"name", attack.name},
                    {"plugin", attack.plugin},
                    {"additional", attack.additional},
                    {"source", attack.source},
                    {"cell", page::View::array({attack_cell_of(threat, attack)})},
                    {"bar", page::View::array()},
                    {"decided", decided == score.decided_by.end() ? "" : grouped(decided->second)},
                    {"reason", ""},
                    {"forwards", cost.each(cost.forwards)},
                    {"forwards_value", cost.value(cost.forwards)},
                    {"backwards", cost.each(cost.backwards)},
                    {"backwards_value", cost.value(cost.backwards)},
                    {"queries", cost.each(cost.queries)},
                    {"queries_value", cost.value(cost.queries)},
                    {"time", cost.cells ? duration(cost.seconds) : ""},
                    {"time_value", cost.cells ? exact(cost.seconds) : ""},
                    {"rows", page::parameter_rows_of(attack.parameters)},
                    {"seeds", seeds_of(attack)}};
  for (const boards::BoardAttack::Cell& cell : attack.cells)
    if (cell.record.status != results::Status::kOk) out["reason"] = cell.record.reason;
  if (out["cell"][0]["ok"].get<bool>() && attack.cells.size() == 1)
    out["bar"] = bar_of(attack.cells[0].record.robust_accuracy, attack.cells[0].record.interval);
  return out;
}

page::View threat_of(const boards::BoardThreat& threat) {
  const boards::BoardScore score = score_of(threat);
  page::View attacks = page::View::array();
  for (const boards::BoardAttack& attack : threat.attacks)
    attacks.push_back(attack_of(threat, attack, score));
  return {{"title", reports::title_of(threat.threat)},
          {"has_attacks", !attacks.empty()},
          {"attacks", attacks}};
}

/// Rates by class: a column without an attack, then one for each question.
page::View classes_of(const RankedBoard& board, const boards::BoardEntry& entry) {
  struct Class {
    int64_t images = 0;
    double clean = 0;
    std::map<size_t, std::pair<double, int64_t>> by_question;
  };
  std::map<int64_t, Class> classes;
  page::View columns = page::View::array();
  bool first = true;
  for (size_t q = 0; q < board.rankings.size(); ++q) {
    const boards::BoardPlace* place = place_of(board.rankings[q], entry);
    if (!place || !place->score.problem.empty()) continue;
    columns.push_back({{"name", title_of(board.rankings[q])}});
    const boards::BoardScore& score = place->score;
    for (size_t i = 0; i < score.images.size(); ++i) {
      Class& its = classes[score.labels[i]];
      if (first) ++its.images, its.clean += score.clean[i];
      auto& [sum, count] = its.by_question[q];
      sum += score.rates[i], ++count;
    }
    first = false;
  }
  page::View rows = page::View::array();
  for (const auto& [label, its] : classes) {
    page::View cells = page::View::array();
    const auto add = [&](double sum, int64_t count) {
      const double rate = count ? sum / double(count) : 0;
      cells.push_back(
          {{"number", count ? percent(rate) : "—"}, {"value", count ? exact(rate) : ""}});
    };
    add(its.clean, its.images);
    for (size_t q = 0; q < board.rankings.size(); ++q) {
      const boards::BoardPlace* place = place_of(board.rankings[q], entry);
      if (!place || !place->score.problem.empty()) continue;
      const auto found = its.by_question.find(q);
      found == its.by_question.end() ? add(0, 0) : add(found->second.first, found->second.second);
    }
    const bool named = label < int64_t(entry.class_names.size());
    rows.push_back({{"name", named ? entry.class_names[size_t(label)] : std::to_string(label)},
                    {"images", grouped(its.images)},
                    {"images_value", std::to_string(its.images)},
                    {"cells", cells}});
  }
  return {{"columns", columns}, {"rows", rows}};
}

page::View hashes_of(const boards::BoardEntry& entry) {
  page::View rows = page::View::array();
  add_fact(rows, "weights of " + entry.model, entry.weights_sha256);
  add_fact(rows, "data, " + entry.dataset + " " + entry.split, entry.dataset_sha256);
  add_fact(rows, "definition of " + to_string(entry.board), entry.board_sha256);
  add_fact(rows, "bundle", entry.bundle_sha256);
  return rows;
}

page::View about_of(const boards::BoardEntry& entry) {
  page::View facts = page::View::array();
  add_fact(facts, "authors", entry.about.authors);
  add_fact(facts, "contact", entry.about.contact);
  if (web_address(entry.about.link).empty()) add_fact(facts, "link", entry.about.link);
  return facts;
}

/// What the bundle says of its defense's training cannot be computed again from its weights.
page::View parameters_of(const boards::BoardEntry& entry, bool of_training) {
  page::View parameters = object_of(entry.parameters);
  const page::View training =
      parameters.contains("training") ? parameters["training"] : page::View();
  parameters.erase("training");
  return page::parameter_rows_of((of_training ? training : parameters)
                                     .dump(-1, ' ', false, page::View::error_handler_t::replace));
}

page::View audits_view_of(const RankedBoard& board, const boards::BoardEntry& entry) {
  page::View out = page::View::array();
  for (const results::RowAudit& row : board.audits_of(entry))
    out.push_back(page::audit_view_of(
        reports::title_of(row.threat) +
            (entry.seeds.size() > 1 ? ", seed " + std::to_string(row.seed) : ""),
        row));
  return out;
}

bool is_unranked(const page::View& results) {
  return std::any_of(results.begin(), results.end(),
                     [](const page::View& result) { return !result["ranked"].get<bool>(); });
}

std::string verified_sentence(const boards::BoardEntry& entry) {
  switch (entry.verified) {
    case boards::Verified::kTables:
      return "Every claim was computed again from the outcomes";
    case boards::Verified::kModel:
      return "Every outcome was computed again from the adversarial inputs and the model";
    case boards::Verified::kNot:
      break;
  }
  return "";
}

std::string samples_text(const boards::BoardEntry& entry) {
  const std::string count = counted(int64_t(entry.samples.size()), "image");
  const bool consecutive =
      entry.samples.back() - entry.samples.front() + 1 == int64_t(entry.samples.size());
  return count +
         (consecutive ? ", " + std::to_string(entry.samples.front()) + " to " +
                            std::to_string(entry.samples.back())
                      : "") +
         " of " + entry.dataset + " (" + entry.split + ")";
}

}  // namespace

page::View entry_view_of(const RankedBoard& board, const boards::BoardEntry& entry) {
  page::View results = page::View::array(), threats = page::View::array(),
             findings = page::View::array();
  for (const boards::Ranking& ranking : board.rankings)
    if (const boards::BoardPlace* place = place_of(ranking, entry))
      results.push_back(result_of(board, ranking, *place));
  for (const boards::BoardThreat& threat : entry.threats) threats.push_back(threat_of(threat));
  for (const std::string& finding : findings_of(entry, nullptr))
    findings.push_back({{"finding", finding}});
  const page::View audits = audits_view_of(board, entry);
  const results::Check* worst = worst_check_of(board, entry, nullptr);
  page::View classes = classes_of(board, entry);
  const page::View training = parameters_of(entry, /*of_training=*/true);
  const bool unranked = is_unranked(results);
  page::View view = {
      {"name", entry.defense},
      {"board", board.id()},
      {"board_title", board.title()},
      {"division", to_string(entry.division)},
      {"verified", verified_sentence(entry)},
      {"is_unranked", unranked},
      {"is_sound",
       !unranked && entry.findings.empty() && worst && worst->level == results::Level::kPass},
      {"is_failed", worst && worst->level == results::Level::kFail},
      {"audits", audits},
      {"is_unverified", entry.verified == boards::Verified::kNot},
      {"finding_count", findings.empty() ? "" : counted(int64_t(findings.size()), "finding")},
      {"verified_when", day_and_time(entry.verified_when)},
      {"description", entry.about.description},
      {"link", web_address(entry.about.link)},
      {"has_about", !about_of(entry).empty()},
      {"about_rows", page::View::array({{{"rows", about_of(entry)}}})},
      {"data", samples_text(entry)},
      {"finished", day_and_time(entry.finished)},
      {"results", results},
      {"threats", threats},
      {"findings", findings},
      {"has_findings", !findings.empty()},
      {"class_columns", classes["columns"]},
      {"class_rows", classes["rows"]},
      {"has_classes", !classes["rows"].empty()},
      {"defense_rows", page::View::array({{{"rows", parameters_of(entry, false)}}})},
      {"has_training", !training.empty()},
      {"training_rows", page::View::array({{{"rows", training}}})},
      {"environment", page::View::array({{{"rows", page::parameter_rows_of(entry.environment)}}})},
      {"hashes", page::View::array({{{"rows", hashes_of(entry)}}})},
      {"suite", suite_text(entry)},
      {"entry_file", "registry/results/" + board.id() + "/" + entry.id + ".json"},
      {"bibtex", entry.about.bibtex}};
  return view;
}

}  // namespace gauntlet::reports::site
