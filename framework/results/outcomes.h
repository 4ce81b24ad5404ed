// What the outcomes of a cell amount to.
#pragma once
#include "results/record.h"

namespace gauntlet::results {

/// Margins below it are ties.
constexpr double kTie = 1e-4;

/// "claims clean accuracy 0.9, its outcomes give 0.8"; "" where the two are equal but for rounding.
std::string claim_problem(const char* what, double claimed, double found);
/// Rates that differ by less are the same, but for rounding.
constexpr double kSameRate = 1e-9;

/// What a record says and its outcomes do not bear out, a sentence each; nothing of records that
/// are not ok.
std::vector<std::string> contradictions(const CellRecord& record);

/// Samples, accuracies, ties and interval of a record whose outcomes and trials are complete.
void summarise(CellRecord& record);

/// What a randomized row's accuracy is made of, beside the mean over images and trials that its
/// interval is of.
struct DrawFigures {
  Interval images;                     ///< over images alone, given the draws
  std::optional<Interval> draws = {};  ///< over shared draws alone, given the images
  /// Share of images that are right without an attack in every trial: what an attacker leaves who
  /// changes nothing and asks until the answer is wrong, as often as there are trials.
  double clean_in_every_trial = 0;
};
/// Of a record whose outcomes are complete.
DrawFigures draw_figures(const CellRecord& record);

}  // namespace gauntlet::results
