// The index of all boards, and the page of one.
#include <algorithm>
#include <cmath>
#include <set>

#include "reports/audits.h"
#include "reports/site/view.h"
#include "reports/text/free_text.h"
#include "reports/text/text.h"

namespace gauntlet::reports::site {
namespace {

constexpr size_t kTopEntries = 5;

std::string anchor_of(size_t question) { return "ranking-" + std::to_string(question); }

std::string newest_of(const std::vector<boards::BoardEntry>& entries) {
  std::string newest;
  for (const boards::BoardEntry& entry : entries) newest = std::max(newest, entry.finished);
  return newest.substr(0, 10);
}

std::string entries_text(size_t count) {
  return count == 1 ? "1 entry" : grouped(int64_t(count)) + " entries";
}

/// Letters of a head that should stay on one line: its longest word, within reason.
size_t longest_word(const std::string& text) {
  size_t longest = 0, now = 0;
  for (const char c : text) {
    now = c == ' ' || c == '-' ? 0 : now + ((c & 0xC0) != 0x80);
    longest = std::max(longest, now);
  }
  return std::min<size_t>(longest, 13);
}

std::string ranked_text(const boards::BoardPlace& place) {
  return place.ranked() ? std::to_string(place.rank) : "";
}

/// Names of the board's own attacks in a ranking, as they come up.
std::vector<std::string> columns_of(const boards::Ranking& ranking) {
  std::vector<std::string> names;
  for (const boards::BoardPlace& place : ranking.places) {
    if (!place.threat) continue;
    for (const boards::BoardAttack& attack : place.threat->attacks)
      if (!attack.additional && std::find(names.begin(), names.end(), attack.name) == names.end())
        names.push_back(attack.name);
  }
  return names;
}

bool has_additional(const boards::Ranking& ranking) {
  return std::any_of(
      ranking.places.begin(), ranking.places.end(), [](const boards::BoardPlace& place) {
        return place.threat &&
               std::any_of(place.threat->attacks.begin(), place.threat->attacks.end(),
                           [](const boards::BoardAttack& a) { return a.additional; });
      });
}

page::View no_cell(const std::string& hint) {
  return {{"ok", false}, {"state", "absent"}, {"value", ""},  {"number", ""},
          {"badge", ""}, {"fewer", ""},       {"hint", hint}, {"flagged", false}};
}

page::View attack_cells_of(const boards::BoardPlace& place,
                           const std::vector<std::string>& columns) {
  page::View cells = page::View::array();
  for (const std::string& column : columns) {
    page::View cell = no_cell("the entry has no " + column);
    if (place.threat)
      for (const boards::BoardAttack& attack : place.threat->attacks)
        if (!attack.additional && attack.name == column)
          cell = attack_cell_of(*place.threat, attack);
    if (const auto decided = place.score.decided_by.find(column);
        decided != place.score.decided_by.end())
      cell["hint"] =
          cell["hint"].get<std::string>() + " · the worst on " + counted(decided->second, "image");
    cells.push_back(std::move(cell));
  }
  return cells;
}

/// The attack from outside that leaves least.
page::View outside_cell_of(const boards::BoardPlace& place) {
  page::View lowest = no_cell("no attack from outside");
  if (!place.threat) return lowest;
  for (const boards::BoardAttack& attack : place.threat->attacks) {
    if (!attack.additional) continue;
    page::View cell = attack_cell_of(*place.threat, attack);
    const bool better =
        cell["ok"].get<bool>() &&
        (!lowest["ok"].get<bool>() || std::stod(cell["value"].get<std::string>()) <
                                          std::stod(lowest["value"].get<std::string>()));
    if (better || lowest["state"] == "absent") lowest = std::move(cell);
  }
  return lowest;
}

std::string verified_text(const boards::BoardEntry& entry) {
  return entry.verified == boards::Verified::kNot ? "" : to_string(entry.verified);
}

page::View row_of(const RankedBoard& board, const boards::BoardPlace& place,
                  const std::vector<std::string>& columns) {
  const boards::BoardEntry& entry = *place.entry;
  const std::vector<std::string> findings = findings_of(entry, place.threat);
  const std::vector<std::string> about_score = findings_of(place);
  const double passes = passes_an_answer(place.threat);
  const page::View overturned = place.threat ? overturned_of(*place.threat) : page::View();
  const results::Check* check = worst_check_of(board, entry, place.threat);
  const bool passed = check && check->level == results::Level::kPass;
  const bool failed = check && check->level == results::Level::kFail;
  page::View row = {{"rank", ranked_text(place)},
                    {"places", place.last > place.rank ? places_text(place) : ""},
                    {"ranked", place.ranked()},
                    {"problem", place.problem},
                    {"name", entry.defense},
                    {"href", board.id() + "/" + entry.id + ".html"},
                    {"model", entry.model},
                    {"has_score", place.ranked()},
                    {"score", page::View::array()},
                    {"clean", place.ranked() ? percent(place.score.clean_accuracy) : ""},
                    {"clean_value", place.ranked() ? exact(place.score.clean_accuracy) : ""},
                    {"cells", attack_cells_of(place, columns)},
                    {"outside", page::View::array({outside_cell_of(place)})},
                    {"passes", std::isfinite(passes) ? brief(passes) : ""},
                    {"passes_value", exact(passes)},
                    {"findings", findings.empty() ? "" : grouped(int64_t(findings.size()))},
                    {"finding", findings.empty() ? "" : findings.front()},
                    {"level", check ? to_string(check->level) : ""},
                    {"word", check ? word_of(check->level) : ""},
                    {"level_hint", check && !passed ? sentence(*check) : ""},
                    {"failed", failed ? word_of(check->level) : ""},
                    {"failure", failed ? "the audit fails it: " + sentence(*check) : ""},
                    {"is_sound", place.ranked() && entry.findings.empty() && passed},
                    {"score_finding", about_score.empty() ? "" : about_score.front()},
                    {"verified", verified_text(entry)},
                    {"is_overturned", !overturned.empty()},
                    {"overturned", overturned.empty() ? "" : overturned["by"].get<std::string>()}};
  if (place.ranked()) row["score"] = bar_of(place.score.accuracy, place.score.interval);
  return row;
}

/// Who differs from whom: rows and columns are the ranked places.
page::View duels_of(const boards::Ranking& ranking) {
  page::View rows = page::View::array();
  for (size_t i = 0; i < ranking.duels.size(); ++i) {
    page::View cells = page::View::array();
    for (size_t j = 0; j < ranking.duels.size(); ++j) {
      const boards::BoardDuel& duel = ranking.duels[i][j];
      const bool higher = duel.significant() && duel.difference > 0;
      const bool lower = duel.significant() && duel.difference < 0;
      const std::string hint = i == j ? ""
                                      : points(duel.difference) + " (" + points(duel.interval.low) +
                                            " to " + points(duel.interval.high) + "), p " +
                                            brief(duel.p_adjusted) + ", " + duel.test;
      cells.push_back({{"state", i == j   ? "self"
                                 : higher ? "higher"
                                 : lower  ? "lower"
                                          : "even"},
                       {"text", i == j ? "" : points(duel.difference)},
                       {"hint", hint}});
    }
    rows.push_back({{"number", std::to_string(i + 1)},
                    {"name", ranking.places[i].entry->defense},
                    {"cells", cells}});
  }
  return rows;
}

page::View point_of(double x, const boards::BoardPlace& place) {
  const auto shown = [](double share) { return std::round(share * 1e4) / 100; };
  return {x, shown(place.score.accuracy), shown(std::max(0.0, place.score.interval.low)),
          shown(std::min(1.0, place.score.interval.high)), place.entry->defense};
}

struct Chart {
  std::string title, x;
  bool log = false;
  page::View with = page::View::array(), without = page::View::array();  // findings

  void add(double x_value, const boards::BoardPlace& place) {
    (findings_of(*place.entry, place.threat).empty() ? without : with)
        .push_back(point_of(x_value, place));
  }
  /// As charts.js reads it.
  page::View numbers(const std::string& y) const {
    page::View lines = page::View::array();
    if (!without.empty()) lines.push_back({{"name", "entries"}, {"points", without}});
    if (!with.empty()) lines.push_back({{"name", "with audit findings"}, {"points", with}});
    return {{"x", x},
            {"y", y + ", %"},
            {"log", log},
            {"scatter", true},
            {"views", page::View::array({{{"name", ""}, {"lines", lines}}})}};
  }
  bool empty() const { return with.empty() && without.empty(); }
};

std::vector<Chart> charts_of(const boards::Ranking& ranking) {
  Chart clean{"Clean and " + measure_of(ranking), "clean accuracy, %"};
  Chart cost{"Cost and " + measure_of(ranking), "passes an answer"};
  double least = INFINITY, most = 0;
  for (const boards::BoardPlace& place : ranking.places) {
    if (!place.ranked()) continue;
    clean.add(std::round(place.score.clean_accuracy * 1e4) / 100, place);
    const double passes = passes_an_answer(place.threat);
    if (!(passes > 0)) continue;
    least = std::min(least, passes), most = std::max(most, passes);
    cost.add(passes, place);
  }
  cost.log = most > 10 * least;
  std::vector<Chart> charts;
  if (!clean.empty()) charts.push_back(clean);
  if (most > least) charts.push_back(cost);  // where all cost the same there is nothing to see
  return charts;
}

page::View ranking_of(const RankedBoard& board, size_t index, page::View& numbers) {
  const boards::Ranking& ranking = board.rankings[index];
  const std::vector<std::string> columns = columns_of(ranking);
  page::View heads = page::View::array(), rows = page::View::array(), charts = page::View::array();
  for (const std::string& column : columns)
    heads.push_back({{"name", column}, {"wide", std::to_string(longest_word(column))}});
  for (const boards::BoardPlace& place : ranking.places)
    rows.push_back(row_of(board, place, columns));
  for (const Chart& chart : charts_of(ranking)) {
    charts.push_back({{"title", chart.title}});
    numbers.push_back(chart.numbers(measure_of(ranking)));
  }
  const size_t ranked = ranking.duels.size();
  return {{"anchor", anchor_of(index)},
          {"title", title_of(ranking)},
          {"measure", measure_of(ranking)},
          {"attacked", !ranking.certified},
          {"ranked", grouped(int64_t(ranked))},
          {"several", ranked > 1},
          {"has_columns", !columns.empty()},
          {"columns", heads},
          {"has_outside", has_additional(ranking)},
          {"rows", rows},
          {"has_charts", !charts.empty()},
          {"charts", charts},
          {"duels", ranked > 1 ? duels_of(ranking) : page::View::array()}};
}

page::View facts_of(const RankedBoard& board) {
  page::View facts = page::View::array();
  const auto add = [&](const std::string& name, const std::string& value) {
    if (!value.empty())
      facts.push_back({{"name", name}, {"value", value}, {"fallback", ""}, {"changed", false}});
  };
  add("board", board.id());
  add("division", to_string(board.division()));
  if (!board.entries.empty()) {
    const boards::BoardEntry& first = board.entries.front();
    add("data set", first.dataset + ", " + first.split);
    add("images", grouped(int64_t(first.samples.size())));
    add("evaluation seeds", grouped(int64_t(first.seeds.size())));
  }
  for (const boards::Ranking& ranking : board.rankings) add("ranked by", title_of(ranking));
  if (board.definition) add("SHA-256 of the definition", board.definition->sha256);
  return facts;
}

std::string data_text(const RankedBoard& board) {
  if (board.entries.empty()) return "";
  const boards::BoardEntry& first = board.entries.front();
  return counted(int64_t(first.samples.size()), "image") + " of " + first.dataset + " (" +
         first.split + ")";
}

/// The question that stands for the board on the index: the first threat; of a certified board the
/// first radius above 0.
const boards::Ranking* leading_question(const RankedBoard& board) {
  const bool certified = board.division() == Division::kCertified;
  for (const boards::Ranking& ranking : board.rankings)
    if (ranking.certified == certified && ranking.threat.epsilon > 0) return &ranking;
  return board.rankings.empty() ? nullptr : &board.rankings.front();
}

page::View card_of(const RankedBoard& board) {
  page::View top = page::View::array();
  const boards::Ranking* leading = leading_question(board);
  if (leading)
    for (const boards::BoardPlace& place : leading->places)
      if (place.ranked() && top.size() < kTopEntries)
        top.push_back({{"rank", ranked_text(place)},
                       {"name", place.entry->defense},
                       {"href", board.id() + "/" + place.entry->id + ".html"},
                       {"flagged", !findings_of(place).empty()},
                       {"score", bar_of(place.score.accuracy, place.score.interval)}});
  return {{"id", board.id()},
          {"href", board.id() + ".html"},
          {"title", board.title()},
          {"description", board.definition ? board.definition->description : ""},
          {"division", to_string(board.division())},
          {"entries", entries_text(board.entries.size())},
          {"newest", newest_of(board.entries)},
          {"data", data_text(board)},
          {"newer", board.newer},
          {"question", !leading             ? ""
                       : leading->certified ? title_of(*leading)
                                            : measure_of(*leading) + ", " + title_of(*leading)},
          {"has_top", !top.empty()},
          {"top", top}};
}

}  // namespace

page::View index_view_of(const std::vector<std::unique_ptr<RankedBoard>>& boards) {
  page::View cards = page::View::array();
  size_t entries = 0;
  std::string newest;
  for (const auto& board : boards) {
    cards.push_back(card_of(*board));
    entries += board->entries.size();
    newest = std::max(newest, newest_of(board->entries));
  }
  return {{"boards", cards},
          {"has_boards", !cards.empty()},
          {"board_count", counted(int64_t(boards.size()), "board")},
          {"entry_count", entries_text(entries)},
          {"newest", newest}};
}

page::View view_of(const RankedBoard& board) {
  page::View rankings = page::View::array(), numbers = page::View::array();
  for (size_t i = 0; i < board.rankings.size(); ++i)
    rankings.push_back(ranking_of(board, i, numbers));
  return {
      {"id", board.id()},
      {"title", board.title()},
      {"newer", board.newer},
      {"description", board.definition ? board.definition->description : ""},
      {"division", to_string(board.division())},
      {"entries", entries_text(board.entries.size())},
      {"has_entries", !board.entries.empty()},
      {"newest", newest_of(board.entries)},
      {"data", data_text(board)},
      {"rankings", rankings},
      {"has_definition", board.definition != nullptr},
      {"definition", board.definition ? shortened(board.definition->text, kLongestListing) : ""},
      {"rows", facts_of(board)},
      {"charts_data", page::script_data(numbers)}};
}

}  // namespace gauntlet::reports::site
