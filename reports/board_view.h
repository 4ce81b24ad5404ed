// What the pages of the boards show, under the names that their templates use.
#pragma once
#include <string>
#include <vector>

#include "reports/board_site.h"
#include "reports/view.h"
#include "results/ranking.h"

namespace gauntlet {

/// A board, its entries and how they rank.
struct RankedBoard {
  RankedBoard(BoardName name, const BoardDefinition* definition, std::vector<BoardEntry> entries);
  RankedBoard(const RankedBoard&) = delete;  // the rankings point into the entries

  BoardName name;
  const BoardDefinition* definition;  ///< null: there is none
  std::vector<BoardEntry> entries;
  std::vector<Ranking> rankings;

  std::string id() const { return to_string(name); }
  std::string title() const;
  Division division() const;
};

View index_view_of(const std::vector<std::unique_ptr<RankedBoard>>& boards);
View view_of(const RankedBoard& board);
View entry_view_of(const RankedBoard& board, const BoardEntry& entry);

// ---- Parts that several pages share ----

/// "linf, ε = 8/255" or "certified, L2 radius 0.25"
std::string title_of(const Ranking& ranking);
/// What is measured: "robust accuracy", "certified accuracy".
std::string measure_of(const Ranking& ranking);
/// {"number", "value", "low", "width", "interval"} of an accuracy, in percent.
View bar_of(double accuracy, const Interval& interval);
/// An attack over all seeds: a number, or a badge with its reason.
View attack_cell_of(const BoardThreat& threat, const BoardAttack& attack);
/// "1", or "1 to 3" where its images leave more than one place open.
std::string places_text(const BoardPlace& place);
/// Findings about the entry, and flags of its cells under a threat (null: under all).
std::vector<std::string> findings_of(const BoardEntry& entry, const BoardThreat* threat);
/// What bears on the number it is ranked by: of the audit, and flags of attacks that decided it.
std::vector<std::string> findings_of(const BoardPlace& place);
/// Passes that one answer of the defense takes: the fewest over the cells, since the judge asks
/// more than once where an attack restarts. NaN where none has a result.
double passes_an_answer(const BoardThreat* threat);
/// {"by": attack, "from", "to"} where an attack from outside lowers the entry; else empty.
View overturned_of(const BoardThreat& threat);
/// The suite that measures the entry again, and the commands around it.
std::string suite_text(const BoardEntry& entry);

}  // namespace gauntlet
