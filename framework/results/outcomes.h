// What the outcomes of a cell amount to.
#pragma once
#include "results/intervals.h"
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

/// What shared draws add to the variance of the accuracy under attack, of a record whose outcomes
/// are complete.
Shared shared_of(const CellRecord& record);
/// Of a record whose outcomes are complete.
DrawFigures draw_figures(const CellRecord& record);

}  // namespace gauntlet::results
