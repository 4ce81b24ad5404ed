// What the pages of the boards show, under the names that their templates use.
#pragma once
#include <string>
#include <vector>

#include "boards/ranking.h"
#include "reports/page/view.h"
#include "reports/site/board_definition.h"

namespace gauntlet::reports::site {

/// A board, its entries and how they rank.
struct RankedBoard {
  RankedBoard(BoardName board, const BoardDefinition* its_definition,
              std::vector<boards::BoardEntry> its_entries);
  RankedBoard(const RankedBoard&) = delete;  // the rankings point into the entries

  BoardName name;
  const BoardDefinition* definition;  ///< null: there is none
  std::vector<boards::BoardEntry> entries;
  std::string newer;  ///< id of the newest version of the board; "": this is it
  std::vector<boards::Ranking> rankings;
  std::vector<std::vector<results::RowAudit>> audits;  ///< of each entry

  const std::vector<results::RowAudit>& audits_of(const boards::BoardEntry& entry) const {
    return audits[size_t(&entry - entries.data())];
  }
  std::string id() const { return to_string(name); }
  std::string title() const;
  Division division() const;
};

page::View index_view_of(const std::vector<std::unique_ptr<RankedBoard>>& boards);
page::View view_of(const RankedBoard& board);
page::View entry_view_of(const RankedBoard& board, const boards::BoardEntry& entry);

// ---- Parts that several pages share ----

/// "linf, ε = 8/255" or "certified, L2 radius 0.25"
std::string title_of(const boards::Ranking& ranking);
/// What is measured: "robust accuracy", "certified accuracy".
std::string measure_of(const boards::Ranking& ranking);
/// {"number", "value", "low", "width", "interval"} of an accuracy, in percent.
page::View bar_of(double accuracy, const results::Interval& interval);
/// An attack over all seeds: a number, or a badge with its reason.
page::View attack_cell_of(const boards::BoardThreat& threat, const boards::BoardAttack& attack);
/// "1", or "1 to 3" where its images leave more than one place open.
std::string places_text(const boards::BoardPlace& place);
/// Findings about the entry, and flags of its cells under a threat (null: under all).
std::vector<std::string> findings_of(const boards::BoardEntry& entry,
                                     const boards::BoardThreat* threat);
/// What bears on the number it is ranked by: of the audit, and flags of attacks that decided it.
std::vector<std::string> findings_of(const boards::BoardPlace& place);
/// The worst check of an entry under a threat (null: under all) and any seed; null: it has none.
const results::Check* worst_check_of(const RankedBoard& board, const boards::BoardEntry& entry,
                                     const boards::BoardThreat* threat);
/// Passes that one answer of the defense takes: the fewest over the cells, since the judge asks
/// more than once where an attack restarts. NaN where none has a result.
double passes_an_answer(const boards::BoardThreat* threat);
/// {"by": attack, "from", "to"} where an attack from outside lowers the entry; else empty.
page::View overturned_of(const boards::BoardThreat& threat);
/// The suite that measures the entry again, and the commands around it.
std::string suite_text(const boards::BoardEntry& entry);

}  // namespace gauntlet::reports::site
