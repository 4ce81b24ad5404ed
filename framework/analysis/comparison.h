// Two runs, cell by cell.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "analysis/changes.h"
#include "analysis/pairs.h"
#include "results/run_records.h"

namespace gauntlet::analysis {

/// One defense under one attack and threat, or without an attack, in both runs: paired over the
/// images that both saw, each at its mean over trials and evaluation seeds.
struct ComparedCell {
  std::string defense;
  std::string attack;  ///< "": without an attack; then there is no threat either
  results::Threat threat;
  std::string problem;  ///< why the two cannot be compared; "": they are
  bool lost = false;    ///< run A has a result and run B has none
  bool same = false;    ///< both runs name the same records
  int64_t samples = 0;
  double a = 0, b = 0;            ///< accuracies on these images
  int64_t worse = 0, better = 0;  ///< images that run B has right less often, more often
  results::Interval interval;     ///< of b - a
  double p = 1, p_adjusted = 1;   ///< two-sided; Holm over all that are compared and not the same
  std::string test;               ///< as PairedTest::method

  double difference() const { return b - a; }
  bool significant() const { return problem.empty() && p_adjusted < 0.05; }
  /// Run B loses more than `points` (of a hundred) with significance, or has no result where run A
  /// has one.
  bool beyond(double points) const {
    return lost || (significant() && difference() < -points / 100);
  }
};

/// What differs between the records of the two runs, and in how many cells.
struct ComparedChange {
  Change change;
  int64_t cells = 0;  ///< 0: of the runs themselves
};

struct Comparison {
  std::vector<ComparedCell> cells;  ///< in the order of run A, then what run B alone has
  std::vector<ComparedChange> changes;
  /// The cells of which ComparedCell::beyond() says so.
  std::vector<const ComparedCell*> beyond(double points) const;
};

Comparison compare(const results::RunRecords& a, const results::RunRecords& b);

}  // namespace gauntlet::analysis
