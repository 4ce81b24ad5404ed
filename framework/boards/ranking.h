// The entries of a board in order, as far as their images can tell them apart.
#pragma once
#include <string>
#include <vector>

#include "boards/scores.h"

namespace gauntlet::boards {

/// What a board's definition says that its entries are held against.
struct BoardRules {
  std::string sha256;                ///< of the definition; "": not known
  std::vector<std::string> attacks;  ///< as the definition names them: "pgd" covers "pgd[steps=5]"
};

/// One entry under one question.
struct BoardPlace {
  const BoardEntry* entry = nullptr;
  const BoardThreat* threat = nullptr;  ///< null: certified, or without a result
  BoardScore score;
  std::string problem;  ///< why it is not ranked; "": it is
  /// 1 + the number of entries that are significantly better: the best place that the images leave
  /// open. What cannot be told apart shares a rank where nothing else tells it apart; as that is
  /// not transitive, of three neighbours the first and the last may differ and the one between
  /// share the rank of the first.
  int64_t rank = 0;
  /// The number of ranked entries less those that are significantly worse: the worst place.
  int64_t last = 0;

  bool ranked() const { return problem.empty(); }
};

/// Two ranked entries on the same images.
struct BoardDuel {
  double difference = 0;  ///< accuracy of the row's entry less that of the column's
  results::Interval interval;
  double p = 1, p_adjusted = 1;  ///< two-sided; Holm over all pairs of the ranking
  std::string test;              ///< as PairedTest::method

  bool significant() const { return p_adjusted < 0.05; }
};

/// The answer to one question that a board asks: a threat, or a radius of certificates.
struct Ranking {
  results::Threat threat;
  bool certified = false;  ///< epsilon is the radius
  /// Ranked ones first: by rank, then accuracy, then id; then the others by id.
  std::vector<BoardPlace> places;
  /// [i][j] of the ranked places; the diagonal has no meaning.
  std::vector<std::vector<BoardDuel>> duels;
};

/// Of the entries of one board, radii first. Not ranked is an entry that lacks an attack which the
/// rules or another entry has, was made for other rules, or is not measured on the images that
/// most entries have, or whose attacks found no gradients to follow (failed_evidence()). The answer
/// points to the entries, so these may not be temporary.
std::vector<Ranking> rankings_of(const std::vector<BoardEntry>& entries, const BoardRules& rules);
std::vector<Ranking> rankings_of(std::vector<BoardEntry>&& entries,
                                 const BoardRules& rules) = delete;

}  // namespace gauntlet::boards
